package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/recon3d/recon3d/infra/local/client"
)

// cleanup bounds the removal of what a smoke test that failed has made.
const cleanup = 15 * time.Second

// smoke runs a picture through the stage's address.
func (l *launch) smoke(ctx context.Context) (string, error) {
	bearer, err := l.bearer()
	if err != nil && !l.dryRun {
		return "", err
	}
	c := &client.Client{Base: l.base, Token: bearer, HTTP: &http.Client{Transport: l.transport}}
	return smokeTest{client: c, wait: l.wait, say: l.say, hint: "The domain answers where its DNS record is " + l.dns()}.run(ctx)
}

// smokeURL runs a picture through an address of which nothing else is known, such as http://localhost:8080.
func smokeURL(ctx context.Context, address string, wait time.Duration, out io.Writer) error {
	c, err := client.New(address)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	t := smokeTest{client: c, wait: wait, say: say, hint: "Does make up run?"}
	return plan{"smoke test of " + address, []step{{"smoke", "one picture", t.run}}, say}.run(ctx)
}

// bearer is a token by which the API lets the smoke test in, for an hour.
func (l *launch) bearer() (string, error) {
	if t := l.stage.vars[smokeToken]; t != "" {
		return t, nil
	}
	secret := l.stage.vars["JWT_SECRET"]
	if secret == "" {
		return "", remedy(fmt.Errorf("%s: nothing lets the smoke test in: without JWT_SECRET only the issuer of JWT_JWKS_URL can make a token", l.stage.file),
			"Get one there, and put %s=… into the environment.", smokeToken)
	}
	now := time.Now()
	claims := jwt.RegisteredClaims{
		Subject: "smoke-test", Issuer: l.stage.vars["JWT_ISSUER"], IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Hour)),
	}
	if audience := l.stage.vars["JWT_AUDIENCE"]; audience != "" {
		claims.Audience = jwt.ClaimStrings{audience}
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		return "", fmt.Errorf("sign a token for the smoke test: %w", err)
	}
	return signed, nil
}

// smokeTest does through the public API what a person does: a photo, a task, its events, its results, and takes all of it away again.
type smokeTest struct {
	client *client.Client
	wait   time.Duration // for the model
	say    func(format string, args ...any)
	hint   string // why an address may not answer
}

func (t smokeTest) run(ctx context.Context) (did string, err error) {
	if err := t.answers(ctx); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	began := time.Now()
	photo, err := photo()
	if err != nil {
		return "", err
	}
	picture, err := t.client.Upload(ctx, "smoke-test.png", photo)
	if err != nil {
		return "", fmt.Errorf("the picture was not taken: %w", err)
	}
	defer func() { err = errors.Join(err, t.take(ctx, "picture", picture.ID, t.client.DeletePicture)) }()
	task, err := t.client.Create(ctx, picture.ID)
	if err != nil {
		return "", fmt.Errorf("the task was not made: %w", err)
	}
	defer func() { err = errors.Join(err, t.take(ctx, "task", task.ID, t.client.DeleteTask)) }()
	if err := t.follow(ctx, task); err != nil {
		return "", err
	}
	done, err := t.client.Task(ctx, task.ID)
	switch {
	case err != nil:
		return "", fmt.Errorf("the task can't be read: %w", err)
	case done.Status != "COMPLETED":
		return "", fmt.Errorf("its events end with COMPLETED, its status is %s: task %s", done.Status, task.ID)
	case len(done.Results) == 0:
		return "", fmt.Errorf("the task is COMPLETED and has no results: task %s", task.ID)
	}
	for _, r := range done.Results {
		if err := t.client.Download(ctx, r, io.Discard); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("a model of %d files in %.1f s", len(done.Results), time.Since(began).Seconds()), nil
}

// answers waits until the page comes from the address: names and certificates take their time to be known.
func (t smokeTest) answers(ctx context.Context) error {
	err := until(ctx, min(longest, t.wait), func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.client.Base.JoinPath("/").String(), nil)
		if err != nil {
			return err
		}
		res, err := t.client.HTTP.Do(req)
		if err != nil {
			return pending{err}
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return pending{fmt.Errorf("%s answers %s, request %s", req.URL, res.Status, client.RequestID(res.Header))}
		}
		return nil
	})
	if err != nil {
		return remedy(err, "%s", t.hint)
	}
	return nil
}

// follow reads the task's events to their end.
func (t smokeTest) follow(ctx context.Context, task client.Task) error {
	status := ""
	for e, err := range t.client.Events(ctx, task) {
		switch {
		case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return remedy(fmt.Errorf("after %v the task is %s: task %s", t.wait, status, task.ID),
				"Do the workers of WORKER_URLS run, and can they be reached? infra/docs/operations.md, When tasks hang")
		case err != nil:
			return fmt.Errorf("the task can't be followed: %w", err)
		case e.Kind == "status":
			status = e.Status
			t.say("  %s, attempt %d", e.Status, e.Attempt)
		case e.Kind == "result":
			t.say("  result %s, %d bytes", e.Name, e.Size)
		}
		if e.Status == "FAILED" && e.Error != nil {
			return fmt.Errorf("task %s failed: %w", task.ID, e.Error)
		}
	}
	if status != "COMPLETED" {
		return fmt.Errorf("the task's events end with %s: task %s", status, task.ID)
	}
	return nil
}

// take deletes what the test made, whatever became of it.
func (t smokeTest) take(ctx context.Context, what, id string, remove func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	if err := remove(ctx, id); err != nil {
		return fmt.Errorf("the test's %s %s can't be deleted: %w", what, id, err)
	}
	return nil
}
