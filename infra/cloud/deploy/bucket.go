package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/tencentyun/cos-go-sdk-v5"
)

const (
	// stagedDays is after how many days what was uploaded directly and never claimed is removed by COS itself. The sweeper does it within the
	// hour; a worker may claim its result a day later.
	stagedDays = 3
	// partsDays is after how many days the parts of an upload that was never completed are removed.
	partsDays = 1
	// corsAge is how long (s) a browser remembers a preflight's answer.
	corsAge = 600
)

// newBucket is the stage's bucket, for the operator's account.
func newBucket(s stage, base *url.URL, transport http.RoundTripper) *cos.Client {
	return cos.NewClient(&cos.BaseURL{BucketURL: base}, &http.Client{Timeout: apiTimeout, Transport: &cos.AuthorizationTransport{
		SecretID: s.vars[secretID], SecretKey: s.vars[secretKey], SessionToken: s.vars[token], Transport: transport,
	}})
}

// corsID names this stage's rule among others of the bucket.
func (l *launch) corsID() string { return l.deployment.Name + "-" + l.stage.name }

// corsRule lets the stage's pages put pictures and fetch results.
func (l *launch) corsRule() cos.BucketCORSRule {
	origins := []string{l.base.Scheme + "://" + l.base.Host}
	for origin := range strings.SplitSeq(l.stage.vars["CORS_ORIGINS"], ",") {
		if origin = strings.TrimSpace(origin); origin != "" && !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return cos.BucketCORSRule{
		ID:             l.corsID(),
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPut},
		AllowedOrigins: origins,
		AllowedHeaders: []string{"*"},
		MaxAgeSeconds:  corsAge,
		ExposeHeaders:  []string{"ETag", "Content-Length", "Content-Range", "x-cos-hash-crc64ecma", "x-cos-request-id"},
	}
}

// lifecycleRules are for the prefixes that recon3d writes below, and for nothing else in the bucket.
func lifecycleRules(app string) []cos.BucketLifecycleRule {
	var rules []cos.BucketLifecycleRule
	for _, prefix := range []string{"incoming", "pictures", "reconstruction"} {
		rule := cos.BucketLifecycleRule{
			ID:     app + "-" + prefix,
			Status: "Enabled",
			Filter: &cos.BucketLifecycleFilter{Prefix: prefix + "/"},
			AbortIncompleteMultipartUpload: &cos.BucketLifecycleAbortIncompleteMultipartUpload{
				DaysAfterInitiation: partsDays,
			},
		}
		if prefix == "incoming" {
			rule.Expiration = &cos.BucketLifecycleExpiration{Days: stagedDays}
		}
		rules = append(rules, rule)
	}
	return rules
}

// setCORS puts the stage's rule among those that are there. COS takes them only all at once.
func (l *launch) setCORS(ctx context.Context) (string, error) {
	have, err := l.cors(ctx)
	if err != nil {
		return "", err
	}
	rules, changed := merge(have.Rules, []cos.BucketCORSRule{l.corsRule()}, func(r cos.BucketCORSRule) string { return r.ID })
	if !changed {
		return "the bucket has its rule", nil
	}
	if _, err := l.bucket.Bucket.PutCORS(ctx, &cos.BucketPutCORSOptions{Rules: rules, ResponseVary: have.ResponseVary}); err != nil {
		return "", l.bucketTrouble(err)
	}
	return fmt.Sprintf("rule %s written, %d of others kept", l.corsID(), len(rules)-1), nil
}

// dropCORS takes the stage's rule away.
func (l *launch) dropCORS(ctx context.Context) (string, error) {
	have, err := l.cors(ctx)
	if err != nil {
		return "", err
	}
	rules := slices.DeleteFunc(slices.Clone(have.Rules), func(r cos.BucketCORSRule) bool { return r.ID == l.corsID() })
	switch {
	case len(rules) == len(have.Rules):
		return "the bucket has no rule of this stage", nil
	case len(rules) == 0:
		_, err = l.bucket.Bucket.DeleteCORS(ctx)
	default:
		_, err = l.bucket.Bucket.PutCORS(ctx, &cos.BucketPutCORSOptions{Rules: rules, ResponseVary: have.ResponseVary})
	}
	if err != nil {
		return "", l.bucketTrouble(err)
	}
	return fmt.Sprintf("rule %s removed, %d of others kept", l.corsID(), len(rules)), nil
}

// cors reads the bucket's rules, which may be none.
func (l *launch) cors(ctx context.Context) (*cos.BucketGetCORSResult, error) {
	have, _, err := l.bucket.Bucket.GetCORS(ctx)
	if notConfigured(err) {
		return &cos.BucketGetCORSResult{}, nil
	}
	if err != nil {
		return nil, l.bucketTrouble(err)
	}
	return have, nil
}

// setLifecycle puts our rules among those that are there.
func (l *launch) setLifecycle(ctx context.Context) (string, error) {
	have, _, err := l.bucket.Bucket.GetLifecycle(ctx)
	if notConfigured(err) {
		have, err = &cos.BucketGetLifecycleResult{}, nil
	}
	if err != nil {
		return "", l.bucketTrouble(err)
	}
	ours := lifecycleRules(l.deployment.Name)
	rules, changed := merge(have.Rules, ours, func(r cos.BucketLifecycleRule) string { return r.ID })
	if !changed {
		return fmt.Sprintf("the bucket has its %d rules", len(ours)), nil
	}
	if _, err := l.bucket.Bucket.PutLifecycle(ctx, &cos.BucketPutLifecycleOptions{Rules: rules}); err != nil {
		return "", l.bucketTrouble(err)
	}
	return fmt.Sprintf("%d rules written, %d of others kept", len(ours), len(rules)-len(ours)), nil
}

// merge is the rules of have in their order, each of ours in place of that of its id or at the end.
func merge[R any](have, ours []R, id func(R) string) (merged []R, changed bool) {
	merged = slices.Clone(have)
	for _, rule := range ours {
		i := slices.IndexFunc(merged, func(r R) bool { return id(r) == id(rule) })
		switch {
		case i < 0:
			merged, changed = append(merged, rule), true
		case !reflect.DeepEqual(merged[i], rule):
			merged[i], changed = rule, true
		}
	}
	return merged, changed
}

// notConfigured tells whether a bucket that is there has no such configuration.
func notConfigured(err error) bool {
	var e *cos.ErrorResponse
	return errors.As(err, &e) && e.Response.StatusCode == http.StatusNotFound && e.Code != "NoSuchBucket"
}

// bucketTrouble adds what to do about it.
func (l *launch) bucketTrouble(err error) error {
	var e *cos.ErrorResponse
	switch {
	case !errors.As(err, &e):
		return fmt.Errorf("bucket %s: %w", l.bucket.BaseURL.BucketURL.Host, err)
	case e.Code == "NoSuchBucket":
		return remedy(err, "Create the bucket that COS_BUCKET_URL names (private read and write), or mend %s.", l.stage.file)
	case e.Response.StatusCode == http.StatusForbidden:
		return remedy(err, "The key's owner needs cos:GetBucketCORS, PutBucketCORS, DeleteBucketCORS, GetBucketLifecycle and PutBucketLifecycle of this bucket.")
	}
	return err
}
