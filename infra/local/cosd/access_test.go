package cosd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/infra/local/cosd/cam"
)

// guarded is a bucket of which role may do some actions below mine/, and nothing else.
type guarded struct {
	owner, role *cos.Client
	url         *url.URL
	log         *bytes.Buffer
}

const roleID, roleKey, roleToken = "AKIDrole", "of-the-role", "token-of-the-role"

func guard(t *testing.T, actions ...string) guarded {
	t.Helper()
	document, err := json.Marshal(map[string]any{"version": "2.0", "statement": []any{map[string]any{
		"effect": "allow", "action": actions, "resource": "qcs::cos:local:uid/1250000000:local-1250000000/mine/*",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := cam.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	g := guarded{log: &bytes.Buffer{}}
	handler, err := cosd.New(t.TempDir(), cosd.Options{
		SecretID: secretID, SecretKey: secretKey, Logger: slog.New(slog.NewTextHandler(g.log, nil)),
		Callers: []cosd.Caller{{Name: "picture", SecretID: roleID, SecretKey: roleKey, SessionToken: roleToken, Policy: &policy, PolicyFile: "picture.json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	if g.url, err = url.Parse(server.URL); err != nil {
		t.Fatal(err)
	}
	g.owner, g.role = client(g.url, secretID, secretKey, ""), client(g.url, roleID, roleKey, roleToken)
	for _, key := range []string{"mine/a", "theirs/a"} {
		if _, err := g.owner.Object.Put(t.Context(), key, strings.NewReader("content"), nil); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// An operation is done with the actions that it needs, and with none of them left out, below the folder and nowhere else.
func TestPoliciesAreHeldTo(t *testing.T) {
	under := func(from string) string { return from + "/a" }
	for name, row := range map[string]struct {
		needs []string
		do    func(ctx context.Context, g guarded, dir string) error
	}{
		"put": {[]string{"PutObject"}, func(ctx context.Context, g guarded, dir string) error {
			_, err := g.role.Object.Put(ctx, under(dir), strings.NewReader("x"), nil)
			return err
		}},
		"get": {[]string{"GetObject"}, func(ctx context.Context, g guarded, dir string) error {
			_, err := g.role.Object.Get(ctx, under(dir), nil)
			return err
		}},
		"head": {[]string{"HeadObject"}, func(ctx context.Context, g guarded, dir string) error {
			_, err := g.role.Object.Head(ctx, under(dir), nil)
			return err
		}},
		"delete": {[]string{"DeleteObject"}, func(ctx context.Context, g guarded, dir string) error {
			_, err := g.role.Object.Delete(ctx, under(dir))
			return err
		}},
		"delete many": {[]string{"DeleteObject"}, func(ctx context.Context, g guarded, dir string) error {
			res, _, err := g.role.Object.DeleteMulti(ctx, &cos.ObjectDeleteMultiOptions{Objects: []cos.Object{{Key: under(dir)}}})
			if err == nil && len(res.Errors) > 0 {
				return &cos.ErrorResponse{Response: &http.Response{StatusCode: http.StatusForbidden}, Code: res.Errors[0].Code}
			}
			return err
		}},
		"copy": {[]string{"GetObject", "PutObject"}, func(ctx context.Context, g guarded, dir string) error {
			_, _, err := g.role.Object.Copy(ctx, "mine/copy", g.url.Host+"/"+under(dir), nil)
			return err
		}},
		"list": {[]string{"GetBucket"}, func(ctx context.Context, g guarded, dir string) error {
			_, _, err := g.role.Bucket.Get(ctx, &cos.BucketGetOptions{Prefix: dir + "/"})
			return err
		}},
		"list uploads": {[]string{"ListMultipartUploads"}, func(ctx context.Context, g guarded, dir string) error {
			_, _, err := g.role.Bucket.ListMultipartUploads(ctx, &cos.ListMultipartUploadsOptions{Prefix: dir + "/"})
			return err
		}},
		"parts": {
			[]string{"InitiateMultipartUpload", "UploadPart", "ListParts", "CompleteMultipartUpload"},
			func(ctx context.Context, g guarded, dir string) error {
				key := under(dir)
				u, _, err := g.role.Object.InitiateMultipartUpload(ctx, key, nil)
				if err != nil {
					return err
				}
				part, err := g.role.Object.UploadPart(ctx, key, u.UploadID, 1, strings.NewReader("x"), nil)
				if err != nil {
					return err
				}
				if _, _, err := g.role.Object.ListParts(ctx, key, u.UploadID, nil); err != nil {
					return err
				}
				_, _, err = g.role.Object.CompleteMultipartUpload(ctx, key, u.UploadID, &cos.CompleteMultipartUploadOptions{
					Parts: []cos.Object{{PartNumber: 1, ETag: part.Header.Get("ETag")}},
				})
				return err
			},
		},
		"a copied part": {
			[]string{"InitiateMultipartUpload", "PutObject", "GetObject", "AbortMultipartUpload"},
			func(ctx context.Context, g guarded, dir string) error {
				u, _, err := g.role.Object.InitiateMultipartUpload(ctx, "mine/parts", nil)
				if err != nil {
					return err
				}
				if _, _, err := g.role.Object.CopyPart(ctx, "mine/parts", u.UploadID, 1, g.url.Host+"/"+under(dir), nil); err != nil {
					return err
				}
				_, err = g.role.Object.AbortMultipartUpload(ctx, "mine/parts", u.UploadID)
				return err
			},
		},
		"the URL of a get": {[]string{"GetObject"}, func(ctx context.Context, g guarded, dir string) error {
			return g.presigned(ctx, http.MethodGet, under(dir))
		}},
		"the URL of a put": {[]string{"PutObject"}, func(ctx context.Context, g guarded, dir string) error {
			return g.presigned(ctx, http.MethodPut, under(dir))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			allowed := func(but string) guarded {
				var actions []string
				for _, a := range row.needs {
					if a != but {
						actions = append(actions, "name/cos:"+a)
					}
				}
				return guard(t, append(actions, "name/cos:Unused")...)
			}
			if err := row.do(t.Context(), allowed(""), "mine"); err != nil {
				t.Errorf("all that it needs is allowed: %v", err)
			}
			for _, missing := range row.needs {
				g := allowed(missing)
				wantDenied(t, g, row.do(t.Context(), g, "mine"), missing)
			}
			g := allowed("")
			wantDenied(t, g, row.do(t.Context(), g, "theirs"), "theirs/")
		})
	}
}

// wantDenied checks that access was denied, and that the log says to whom and what.
func wantDenied(t *testing.T, g guarded, err error, what string) {
	t.Helper()
	if err == nil {
		t.Fatalf("done without %s", what)
	}
	if e, ok := cos.IsCOSError(err); !ok || e.Response.StatusCode != http.StatusForbidden || e.Code != "AccessDenied" && e.Code != "" {
		t.Errorf("without %s: %v", what, err)
	}
	if log := g.log.String(); !strings.Contains(log, "picture may not name/cos:") || !strings.Contains(log, what) || !strings.Contains(log, "say so in picture.json") {
		t.Errorf("the log does not tell of %s: %s", what, log)
	}
}

// presigned uses a URL that the role has signed, as whoever is given it.
func (g guarded) presigned(ctx context.Context, method, key string) error {
	u, err := g.role.Object.GetPresignedURL(ctx, method, key, roleID, roleKey, time.Minute, &cos.PresignedURLOptions{
		Query: &url.Values{"x-cos-security-token": {roleToken}}, Header: &http.Header{},
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader("x"))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		e := &cos.ErrorResponse{Response: res, Code: "no error of COS's"}
		if strings.Contains(string(body), "<Code>AccessDenied</Code>") {
			e.Code = "AccessDenied"
		}
		return e
	}
	return nil
}

// Each caller is held to keys and a token of its own.
func TestCallersAreKnownByTheirKeys(t *testing.T) {
	g := guard(t, "name/cos:GetObject")
	for name, row := range map[string]struct{ id, key, token, code string }{
		"the owner's key":        {roleID, secretKey, roleToken, "SignatureDoesNotMatch"},
		"no token":               {roleID, roleKey, "", "AccessDenied"},
		"another token":          {roleID, roleKey, "guess", "AccessDenied"},
		"the owner, role's key":  {secretID, roleKey, "", "SignatureDoesNotMatch"},
		"somebody else entirely": {"AKIDnobody", roleKey, roleToken, "InvalidAccessKeyId"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(g.url, row.id, row.key, row.token).Object.Get(t.Context(), "mine/a", nil)
			wantCode(t, err, http.StatusForbidden, row.code)
		})
	}
	if _, err := g.role.Object.Get(t.Context(), "mine/a", nil); err != nil {
		t.Error(err)
	}
	// What is not there is denied like what is: nobody learns which.
	_, err := g.role.Object.Get(t.Context(), "theirs/nothing", nil)
	wantCode(t, err, http.StatusForbidden, "AccessDenied")
}

// A form is as good as its signer.
func TestFormsNeedTheirAction(t *testing.T) {
	for _, row := range []struct {
		action, dir string
		status      int
	}{
		{"name/cos:PostObject", "mine/", http.StatusNoContent},
		{"name/cos:PostObject", "theirs/", http.StatusForbidden},
		{"name/cos:PutObject", "mine/", http.StatusForbidden},
	} {
		g := guard(t, row.action)
		f := goodForm()
		f.secret = roleKey
		f.fields["q-ak"], f.fields["x-cos-security-token"], f.fields["key"] = roleID, roleToken, row.dir+"b"
		f.conditions = []any{map[string]string{"q-ak": roleID}}
		wantStatus(t, f.send(t, &bucket{url: g.url}), row.status)
	}
}
