package main

import (
	"slices"
	"strings"
	"testing"
)

// The worker is told nothing that only the backend may know: it can ask neither Redis nor the bucket, nor pose as a user.
func TestTheWorkerHasNoCredentials(t *testing.T) {
	for _, secret := range []string{
		"REDIS_URL", "COS_SECRET_ID", "COS_SECRET_KEY", "TICKET_SECRET", "TICKET_SECRET_ALSO", "JWT_SECRET", "JWT_SECRET_ALSO", "TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN",
	} {
		t.Setenv(secret, "hush")
	}
	s := settings{RedisURL: "hush", COSSecretID: "hush", COSSecretKey: "hush", TicketSecret: "hush", CallbackSecrets: "whsec_of-both"}
	env := s.workerEnviron(1, "dir").list()
	for _, v := range env {
		if strings.Contains(v, "hush") {
			t.Errorf("it has %s", v)
		}
	}
	if !slices.Contains(env, "CALLBACK_SECRETS=whsec_of-both") {
		t.Error("it can't sign its callbacks")
	}
}
