package cosd_test

import (
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

// pages reads a whole list page by page: keys and common prefixes in the order told.
func (b *bucket) pages(t *testing.T, opt cos.BucketGetOptions) (told []string, pages int) {
	t.Helper()
	for {
		res, _, err := b.Bucket.Get(t.Context(), &opt)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		var page []string
		for _, object := range res.Contents {
			page = append(page, object.Key)
		}
		page = append(page, res.CommonPrefixes...)
		sort.Strings(page)
		told = append(told, page...)
		if opt.MaxKeys > 0 && len(page) > opt.MaxKeys {
			t.Errorf("%d entries in a page of %d", len(page), opt.MaxKeys)
		}
		if !res.IsTruncated {
			return told, pages
		}
		if res.NextMarker <= opt.Marker {
			t.Fatalf("the page after %q leads to %q", opt.Marker, res.NextMarker)
		}
		opt.Marker = res.NextMarker
	}
}

func TestList(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	keys := []string{"a", "a/", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "b/1", "b/2", "c+ d", "z"}
	for _, key := range slices.Backward(keys) {
		b.put(t, key, []byte(key))
	}
	for _, tt := range []struct {
		name string
		opt  cos.BucketGetOptions
		want []string
	}{
		{"all", cos.BucketGetOptions{}, keys},
		{"prefix", cos.BucketGetOptions{Prefix: "a/"}, []string{"a/", "a/1", "a/2/x", "a/2/y", "a/3"}},
		{"prefix of nothing", cos.BucketGetOptions{Prefix: "q"}, nil},
		{"delimiter", cos.BucketGetOptions{Delimiter: "/"}, []string{"a", "a/", "a0", "b/", "c+ d", "z"}},
		{"delimiter under a prefix", cos.BucketGetOptions{Delimiter: "/", Prefix: "a/"}, []string{"a/", "a/1", "a/2/", "a/3"}},
		{"marker", cos.BucketGetOptions{Marker: "a/3"}, []string{"a0", "b/1", "b/2", "c+ d", "z"}},
		{"marker that is no key", cos.BucketGetOptions{Marker: "a/2/xx"}, []string{"a/2/y", "a/3", "a0", "b/1", "b/2", "c+ d", "z"}},
		{"marker before the prefix", cos.BucketGetOptions{Marker: "a", Prefix: "b"}, []string{"b/1", "b/2"}},
		{"marker behind the prefix", cos.BucketGetOptions{Marker: "c", Prefix: "b"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, limit := range []int{0, 1, 2, 3} {
				opt := tt.opt
				opt.MaxKeys = limit
				got, pages := b.pages(t, opt)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("pages of %d: %s", limit, diff)
				}
				if limit > 0 && pages > 1 && pages != (len(tt.want)+limit-1)/limit {
					t.Errorf("%d pages of %d for %d entries", pages, limit, len(tt.want))
				}
			}
		})
	}

	res, _, err := b.Bucket.Get(t.Context(), &cos.BucketGetOptions{Prefix: "c", EncodingType: "url"})
	if err != nil {
		t.Fatal(err)
	}
	object := res.Contents[0]
	if object.Key != "c%2B%20d" || res.EncodingType != "url" || object.ETag != etag([]byte("c+ d")) || object.Size != 4 || object.LastModified == "" {
		t.Errorf("%+v", res)
	}
	for query, code := range map[string]string{
		"max-keys=x": "InvalidArgument", "max-keys=-1": "InvalidArgument", "encoding-type=hex": "InvalidArgument", "delimiter=ab": "InvalidDelimiter",
	} {
		wantRefusal(t, do(t, b.request(t, http.MethodGet, "/?"+query, nil, "")), 400, code)
	}
	none := do(t, b.request(t, http.MethodGet, "/?max-keys=0", nil, ""))
	if got := string(body(t, none)); strings.Contains(got, "<Contents>") || !strings.Contains(got, "<IsTruncated>false<") {
		t.Errorf("max-keys=0: %s", got)
	}
}

func TestDeleteMulti(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	keys := []string{"a", "a/b", "x&y <z>", "a//b", "ключ"}
	var objects []cos.Object
	for _, key := range keys {
		b.put(t, key, []byte(key))
		objects = append(objects, cos.Object{Key: key})
	}
	res, _, err := b.Object.DeleteMulti(t.Context(), &cos.ObjectDeleteMultiOptions{Objects: append(objects[:3:3], cos.Object{Key: "nothing"})})
	if err != nil {
		t.Fatal(err)
	}
	var deleted []string
	for _, object := range res.DeletedObjects {
		deleted = append(deleted, object.Key)
	}
	if diff := cmp.Diff([]string{"a", "a/b", "x&y <z>", "nothing"}, deleted); diff != "" || len(res.Errors) > 0 {
		t.Errorf("%s, %v", diff, res.Errors)
	}
	bad := append(slices.Clone(objects[3:]), cos.Object{Key: strings.Repeat("k", 851)}, cos.Object{Key: "v", VersionId: "1"})
	res, _, err = b.Object.DeleteMulti(t.Context(), &cos.ObjectDeleteMultiOptions{Quiet: true, Objects: bad})
	if err != nil || len(res.DeletedObjects) > 0 || len(res.Errors) != 2 || res.Errors[0].Code != "InvalidArgument" || res.Errors[1].Code != "NotImplemented" {
		t.Errorf("quiet: %+v, %v", res, err)
	}
	if left, _ := b.pages(t, cos.BucketGetOptions{}); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	_, _, err = b.Object.DeleteMulti(t.Context(), &cos.ObjectDeleteMultiOptions{Objects: make([]cos.Object, 1001)})
	wantCode(t, err, 400, "MalformedXML")
	_, _, err = b.Object.DeleteMulti(t.Context(), &cos.ObjectDeleteMultiOptions{})
	wantCode(t, err, 400, "MalformedXML")
	wantRefusal(t, do(t, b.request(t, http.MethodPost, "/?delete", nil, "<Delete><Object>")), 400, "MalformedXML")
	wrong := http.Header{"Content-Md5": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
	wantRefusal(t, do(t, b.request(t, http.MethodPost, "/?delete", wrong, "<Delete/>")), 400, "BadDigest")
}

func TestUnknownSubresources(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	b.put(t, "k", []byte("content"))
	for _, target := range []string{"/?cors", "/?lifecycle", "/?versions", "/k?tagging", "/k?versionId=1"} {
		wantRefusal(t, do(t, b.request(t, http.MethodGet, target, nil, "")), 501, "NotImplemented")
	}
	for _, method := range []string{http.MethodPost, http.MethodPatch} {
		wantRefusal(t, do(t, b.request(t, method, "/k", nil, "")), 405, "MethodNotAllowed")
	}
	if got := string(b.get(t, "k")); got != "content" {
		t.Errorf("%q", got)
	}
}
