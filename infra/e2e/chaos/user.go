package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// people are the users: each task has somebody who uploads its picture, creates it, watches its events and asks for its status, all over
// again whenever that fails.
type people struct {
	doors  []string // where the API is, by any of its front doors
	secret []byte   // of tokens
	seed   uint64
	ledger *ledger
	client *http.Client // for one answer
	stream *http.Client // for events
	mood   atomic.Pointer[Fault]
}

func newPeople(doors []string, secret string, seed uint64, l *ledger) *people {
	return &people{
		doors: doors, secret: []byte(secret), seed: seed, ledger: l,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: 5 * time.Second}, Timeout: 15 * time.Second},
		stream: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 15 * time.Second}},
	}
}

func (p *people) token(user string) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()}).SignedString(p.secret)
	if err != nil {
		panic(err) // HMAC takes any secret
	}
	return token
}

// answer is what somebody was told; status 0: nothing.
type answer struct {
	status int
	body   []byte
}

func (a answer) into(v any) bool { return json.Unmarshal(a.body, v) == nil }

// ask sends a request as a user, once.
func (p *people) ask(ctx context.Context, user, method, ref string, header http.Header, body []byte) answer {
	r, err := http.NewRequestWithContext(ctx, method, p.address(ref), bytes.NewReader(body))
	if err != nil {
		panic(err) // the addresses are the system's own
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if ref[0] == '/' { // what is signed itself wants no token
		r.Header.Set("Authorization", "Bearer "+p.token(user))
	}
	res, err := p.client.Do(r)
	if err != nil {
		return answer{}
	}
	content, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil {
		return answer{}
	}
	return answer{res.StatusCode, content}
}

func (p *people) address(ref string) string {
	if ref[0] != '/' {
		return ref
	}
	return p.doors[rand.IntN(len(p.doors))] + ref
}

// want asks until the status is wanted. An answer that no retry mends is noted, and asked for again all the same: what is lost
// then shows as a task that is not there.
func (p *people) want(ctx context.Context, s *Story, wanted int, method, ref string, header http.Header, body []byte, more ...int) answer {
	for {
		a := p.ask(ctx, s.Plan.User, method, ref, header, body)
		if a.status == wanted {
			return a
		}
		for _, status := range more {
			if a.status == status {
				return a
			}
		}
		code := problemOf(a.body).Code
		p.ledger.write(s, func(s *Story) {
			s.Errors++
			ours := ref[0] == '/' // and not what COS itself answers
			if ours && a.status >= 400 && a.status < 500 && a.status != http.StatusTooManyRequests && code != "idempotency_in_progress" {
				s.Refusals = append(s.Refusals, fmt.Sprintf("%s %s: %d %s", method, ref, a.status, code))
			}
		})
		if !rested(ctx, 200*time.Millisecond+rand.N(400*time.Millisecond)) {
			return answer{}
		}
	}
}

// live is all that happens about one task, until its end is seen, or ctx is done.
func (p *people) live(ctx context.Context, s *Story) {
	picture, err := drawPicture(p.seed, s.Plan.Index)
	if err != nil {
		panic(err) // a buffer takes everything
	}
	p.ledger.write(s, func(s *Story) { s.Image = checksum(picture) })
	id := p.upload(ctx, s, picture)
	c := p.create(ctx, s, id)
	if c.TaskID == "" {
		return // ctx is done
	}
	over, end := context.WithCancel(ctx)
	defer end()
	var doing sync.WaitGroup
	doing.Go(func() { // whoever has seen the end asks no more
		p.follow(ctx, s, c)
		end()
	})
	doing.Go(func() { p.poll(over, s, c) })
	if s.Plan.Intent == Cancel || s.Plan.Intent == Delete {
		if rested(ctx, s.Plan.After) {
			p.stop(ctx, s, c)
		}
	}
	doing.Wait()
}

// upload brings the picture there and tells its id.
func (p *people) upload(ctx context.Context, s *Story, picture []byte) string {
	var made struct{ ID string }
	if s.Plan.Direct {
		made.ID = p.uploadDirect(ctx, s, picture)
	} else {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("file", s.Plan.pictureName())
		if err == nil {
			_, err = part.Write(picture)
		}
		if err != nil || w.Close() != nil {
			panic("a buffer takes everything")
		}
		a := p.want(ctx, s, http.StatusCreated, http.MethodPost, "/picture/upload", http.Header{"Content-Type": {w.FormDataContentType()}}, form.Bytes())
		a.into(&made)
	}
	p.ledger.write(s, func(s *Story) { s.Pictures = append(s.Pictures, made.ID) })
	return made.ID
}

func (p *people) uploadDirect(ctx context.Context, s *Story, picture []byte) string {
	about, err := json.Marshal(map[string]any{"name": s.Plan.pictureName(), "contentType": "image/png", "size": len(picture)})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	for ctx.Err() == nil {
		a := p.want(ctx, s, http.StatusCreated, http.MethodPost, "/picture/upload-url", http.Header{"Content-Type": {"application/json"}}, about)
		var grant struct {
			ID, URL, Method string
			Headers         map[string]string
		}
		if !a.into(&grant) {
			continue
		}
		header := http.Header{}
		for name, value := range grant.Headers {
			header.Set(name, value)
		}
		if p.want(ctx, s, http.StatusOK, grant.Method, grant.URL, header, picture).status == 0 {
			break
		}
		done := p.want(ctx, s, http.StatusCreated, http.MethodPost, "/picture/"+grant.ID+"/complete", nil, nil)
		if done.status == http.StatusCreated {
			return grant.ID
		}
	}
	return ""
}

type created struct{ TaskID, SSEURL, StatusURL string }

// create makes a task of the picture, by as many tries as it takes.
func (p *people) create(ctx context.Context, s *Story, picture string) created {
	body, err := json.Marshal(map[string]string{"imageId": picture})
	if err != nil {
		panic(err) // a text always marshals
	}
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {fmt.Sprintf("%d-%d", p.seed, s.Plan.Index)}}
	var first created
	once := func() {
		a := p.want(ctx, s, http.StatusAccepted, http.MethodPost, "/api/reconstruction/create-from-image", header, body)
		var c created
		if a.into(&c) && c.TaskID != "" {
			p.ledger.write(s, func(s *Story) {
				if s.Accepted.IsZero() {
					s.Accepted, first = time.Now(), c
				}
				s.TaskIDs = append(s.TaskIDs, c.TaskID)
			})
		}
	}
	var both sync.WaitGroup
	both.Go(once)
	if s.Plan.Twice {
		both.Go(once)
	}
	if f := p.mood.Load(); f != nil {
		for range f.Amount - 1 {
			both.Go(once)
		}
	}
	both.Wait()
	return first
}

// stop cancels or deletes the task.
func (p *people) stop(ctx context.Context, s *Story, c created) {
	var a answer
	if s.Plan.Intent == Cancel {
		a = p.want(ctx, s, http.StatusOK, http.MethodPost, "/api/reconstruction/cancel/"+c.TaskID, nil, nil, http.StatusConflict)
	} else {
		// Gone already: the answer to an earlier try was lost.
		a = p.want(ctx, s, http.StatusNoContent, http.MethodDelete, c.StatusURL, nil, nil, http.StatusNotFound)
	}
	p.ledger.write(s, func(s *Story) { s.Word = a.status })
}

// poll asks for the status about once a second until ctx is done.
func (p *people) poll(ctx context.Context, s *Story, c created) {
	for rested(ctx, 500*time.Millisecond+rand.N(time.Second)) {
		if snap, ok := p.status(ctx, s.Plan.User, c.TaskID); ok {
			p.ledger.write(s, func(s *Story) { s.Snapshots = append(s.Snapshots, snap) })
		}
	}
}

// status asks for a status document, once.
func (p *people) status(ctx context.Context, user, taskID string) (Snapshot, bool) {
	snap := Snapshot{At: time.Now(), Results: map[string]string{}, URLs: map[string]string{}}
	a := p.ask(ctx, user, http.MethodGet, "/api/reconstruction/status/"+taskID, nil, nil)
	var d struct {
		Status   string
		Attempt  int
		Progress float64
		Results  []struct{ Name, URL, SHA256 string }
		Error    *struct{ Code string }
	}
	if a.status != http.StatusOK || !a.into(&d) {
		if a.status == http.StatusNotFound {
			snap.Status = "404"
			return snap, true
		}
		return snap, false
	}
	snap.Status, snap.Attempt, snap.Progress, snap.Document = d.Status, d.Attempt, d.Progress, a.body
	for _, r := range d.Results {
		snap.Results[r.Name], snap.URLs[r.Name] = r.SHA256, r.URL
	}
	if d.Error != nil {
		snap.Error = d.Error.Code
	}
	return snap, true
}
