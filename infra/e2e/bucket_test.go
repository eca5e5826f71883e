package e2e

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tencentyun/cos-go-sdk-v5"
)

// bucket is the system's COS bucket, by the vendor's SDK. Where it is, only presigned URLs tell.
func (s *system) bucket(t *testing.T) *cos.Client {
	t.Helper()
	p := s.upload(t, drawing())
	s.call(t, http.MethodDelete, "/picture/"+p.ID, nil).want(t, http.StatusNoContent)
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	return cos.NewClient(&cos.BaseURL{BucketURL: &url.URL{Scheme: u.Scheme, Host: u.Host}}, &http.Client{
		Transport: &cos.AuthorizationTransport{SecretID: s.cosID, SecretKey: s.cosKey},
	})
}

// objects are the keys in the bucket that begin with prefix.
func objects(t *testing.T, bucket *cos.Client, prefix string) []string {
	t.Helper()
	var keys []string
	for marker := ""; ; {
		page, _, err := bucket.Bucket.Get(t.Context(), &cos.BucketGetOptions{Prefix: prefix, Marker: marker})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, o.Key)
		}
		if !page.IsTruncated {
			return keys
		}
		marker = page.NextMarker
	}
}

// trash tells which objects are to be deleted, and in which round. It is the tests' one look into the Redis keys: the index
// is in no API.
func (s *system) trash(t *testing.T) map[string][]string {
	t.Helper()
	client := s.redis.Client()
	defer func() { _ = client.Close() }()
	rounds := map[string][]string{}
	scan := client.Scan(t.Context(), 0, "recon:{*}:trash", 1000).Iterator()
	for scan.Next(t.Context()) {
		members, err := client.ZRange(t.Context(), scan.Val(), 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			round, key, _ := strings.Cut(m, " ")
			rounds[key] = append(rounds[key], round)
		}
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return rounds
}

// orphans are objects that no record claims and nothing is going to delete. claimed are those that may be there.
func (s *system) orphans(t *testing.T, bucket *cos.Client, claimed ...string) []string {
	t.Helper()
	there := objects(t, bucket, "")
	known := slices.Concat(claimed, slices.Collect(maps.Keys(s.trash(t))))
	return slices.DeleteFunc(there, func(key string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(key, k) })
	})
}
