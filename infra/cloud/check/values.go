package main

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// verdict is what a rule thinks of a value: what is wrong with it, "" for nothing, and whether that is only worth a warning.
type verdict struct {
	text    string
	warning bool
}

func wrongf(format string, args ...any) verdict { return verdict{text: fmt.Sprintf(format, args...)} }

// values are the rules for what functions are given, by variable. A program itself refuses what can't be read at all (checkStart).
var values = map[string][]func(value string, s *subject) verdict{
	"PUBLIC_BASE_URL":     {secureInProduction, reachable, domainAlone},
	"CALLBACK_BASE_URL":   {secureInProduction, reachable},
	"CALLBACK_RESULT_URL": {secureInProduction, reachable},
	"CALLBACK_UPLOAD_URL": {secureInProduction, reachable},
	"CALLBACK_STATUS_URL": {secureInProduction, reachable},
	"JWT_JWKS_URL":        {secureInProduction, reachable, audience},
	"COS_BUCKET_URL":      {secureInProduction, reachable, bucketHost},
	"WORKER_URLS":         {workers},
	"REDIS_URL":           {redisHost, redisPassword},
	"AUTH_MODE":           {knowsUsers},
	"CORS_ORIGINS":        {origins},
	"CSP_ORIGINS":         {origins},
	"TICKET_SECRET":       {longSecret},
	"TICKET_SECRET_ALSO":  {longSecret},
	"JWT_SECRET":          {longSecret},
	"JWT_SECRET_ALSO":     {longSecret},
	"CALLBACK_SECRETS":    {callbackSecrets},

	"OTEL_EXPORTER_OTLP_ENDPOINT": {reachable, collector},
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// forms are those of the stage's variables that no function gets.
var forms = map[string]struct {
	form *regexp.Regexp
	like string
}{
	"TENCENT_REGION": {regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+$`), "ap-guangzhou"},
	"VPC_ID":         {regexp.MustCompile(`^vpc-[a-z0-9]{8}$`), "vpc-4xk2m9qa"},
	"SUBNET_ID":      {regexp.MustCompile(`^subnet-[a-z0-9]{8}$`), "subnet-7p1c8w3d"},
	"CLS_LOGSET":     {uuid, "5cd3a17e-fb0b-418c-afd7-77b365397426, the id of a logset of the log service; infra/cloud/terraform makes one"},
	"CLS_TOPIC":      {uuid, "2f5764c1-c833-44c5-84c7-950979b2a278, the id of a topic of that logset; infra/cloud/terraform makes one"},
}

// regions are those of SCF. https://cloud.tencent.com/document/product/583/17238
var regions = strings.Fields(`ap-guangzhou ap-shanghai ap-beijing ap-nanjing ap-chengdu ap-chongqing ap-hongkong ap-singapore ap-tokyo ap-seoul
	ap-bangkok ap-jakarta ap-mumbai na-siliconvalley na-ashburn na-toronto sa-saopaulo eu-frankfurt ap-shenzhen-fsi ap-shanghai-fsi ap-beijing-fsi`)

// checkValues looks at each value that the stage's functions would get.
func checkValues(s *subject) error {
	formless := false
	for _, name := range sorted(forms) {
		if value, set := s.stage.values[name]; set && !forms[name].form.MatchString(value) {
			s.add(s.stage.file, s.stage.lines[name], "%s is %q: it is of the form %s", name, value, forms[name].like)
			formless = true
		}
	}
	if formless {
		return s.checkPlaceholders()
	}
	if region := s.filled.Region; !slices.Contains(regions, region) {
		if near := manifest.Nearest(region, regions); near != "" {
			s.add(s.stage.file, s.stage.lines["TENCENT_REGION"], "TENCENT_REGION is %s, and there is none of that name: is it %s?", region, near)
		} else {
			s.warn(s.stage.file, s.stage.lines["TENCENT_REGION"], "TENCENT_REGION is %s, which is not known here: right only if SCF has come there since", region)
		}
	}
	judged := map[manifest.Variable]bool{}
	for _, f := range s.filled.Functions {
		for _, v := range f.Environment {
			file, line := s.locate(f, v.Name)
			if one := (manifest.Variable{Name: v.Name + file, Value: v.Value, Line: line}); v.Value == "" || judged[one] || s.unset(f, v.Name) {
				continue
			} else {
				judged[one] = true
			}
			for _, rule := range values[v.Name] {
				if found := rule(v.Value, s); found.warning {
					s.warn(file, line, "%s %s", v.Name, found.text)
				} else if found.text != "" {
					s.add(file, line, "%s %s", v.Name, found.text)
				}
			}
		}
	}
	return s.checkPlaceholders()
}

// checkPlaceholders finds secrets that everybody knows, for they are in the example, and ones that are used for two things.
func (s *subject) checkPlaceholders() error {
	public, used := map[string]string{}, map[string]string{}
	if s.stage.file != exampleFile {
		example, err := manifest.ReadStage(s.path(exampleFile))
		if s.take(err) != nil {
			return err
		}
		public = example.Map()
	}
	for _, name := range sorted(s.stage.values) {
		value := s.stage.values[name]
		if value == "" || !secretNames.MatchString(name) || s.sources.reader(name) == "" {
			continue
		}
		if value == public[name] {
			s.add(s.stage.file, s.stage.lines[name], "%s is that of %s, which everybody can read: make one of its own", name, exampleFile)
		}
		if other := used[value]; other != "" {
			s.add(s.stage.file, s.stage.lines[name], "%s is the same as %s: make one of its own, so that who learns one has not both", name, other)
		}
		used[value] = name
	}
	return nil
}

// secureInProduction refuses http in production, and warns of it elsewhere.
func secureInProduction(value string, s *subject) verdict {
	address, readable := strings.CutPrefix(value, "http://")
	if !readable || !s.public() {
		return verdict{}
	}
	found := wrongf("is http, and what goes there could be read on the way: write https://%s", address)
	found.warning = !s.stage.production()
	return found
}

func reachable(value string, s *subject) verdict {
	if u, err := url.Parse(value); err == nil && loopback(u.Hostname()) && s.public() {
		return wrongf("is %s, which is each machine itself: write the address that others reach", u.Host)
	}
	return verdict{}
}

// domainAlone holds the API's origin against what a custom domain can be.
func domainAlone(value string, s *subject) verdict {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.RawQuery != "" || !s.public() {
		return verdict{} // the programs refuse it, or no domain is needed
	}
	name := strings.ToLower(u.Hostname())
	switch {
	case strings.Trim(u.Path, "/") != "":
		return wrongf("has a path: it is the API's origin, write %s://%s", u.Scheme, u.Host)
	case net.ParseIP(name) != nil || !strings.Contains(name, "."):
		return wrongf("is %s, and the platform's custom domain has a name: write https://recon3d.example.com", u.Host)
	case u.User != nil || u.Host != name:
		return wrongf("has more than a name in small letters, which is all that the platform's custom domain has: write %s://%s", u.Scheme, name)
	}
	return verdict{}
}

func audience(_ string, s *subject) verdict {
	if s.stage.values["JWT_AUDIENCE"] != "" {
		return verdict{}
	}
	return verdict{text: "is whose tokens are taken, and JWT_AUDIENCE is empty: so are those that it gives for other applications; set JWT_AUDIENCE", warning: true}
}

// collector holds the receiver of traces against what is added to it.
func collector(value string, _ *subject) verdict {
	u, err := url.Parse(value)
	switch {
	case err != nil: // the programs refuse it
	case strings.HasSuffix(u.Path, "/v1/traces"):
		return wrongf("ends in /v1/traces, which is added to it: write %s", strings.TrimSuffix(value, "/v1/traces"))
	case u.Port() == "4317":
		return verdict{text: "has the port of OTLP by gRPC, and OTLP by HTTP is spoken: mostly at 4318", warning: true}
	}
	return verdict{}
}

var (
	cosHost   = regexp.MustCompile(`^[a-z0-9-]+-\d+\.cos\.([a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)$`)
	vendorCOS = regexp.MustCompile(`(?i)\.(?:myqcloud\.com|tencentcos\.cn|qcloud\.com)$`)
)

func bucketHost(value string, s *subject) verdict {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return verdict{} // the programs refuse it
	}
	m := cosHost.FindStringSubmatch(u.Host)
	if m == nil && vendorCOS.MatchString(u.Host) {
		return wrongf("is %s, and a bucket's host is <name>-<appid>.cos.<region>.myqcloud.com, in small letters: take it from the bucket's page in the console", u.Host)
	}
	if m == nil {
		return verdict{text: fmt.Sprintf("is no host of a bucket, <name>-<appid>.cos.<region>.myqcloud.com: right only if %s is a domain of the bucket's own", u.Host), warning: true}
	}
	if region := s.filled.Region; m[1] != region {
		return wrongf("is in %s, and the functions are in %s: put both in one region", m[1], region)
	}
	return verdict{}
}

func workers(value string, s *subject) verdict {
	seen := map[string]bool{}
	for worker := range strings.SplitSeq(value, ",") {
		worker = strings.TrimRight(strings.TrimSpace(worker), "/")
		u, err := url.Parse(worker)
		if err != nil {
			continue // the programs refuse it
		}
		ip := net.ParseIP(u.Hostname())
		called, ends := strings.CutSuffix(worker, "/generate3d")
		switch {
		case u.User != nil:
			return wrongf("has a name or password in %s, and logs have the workers' addresses: workers know who calls by CALLBACK_SECRETS, take it away", u.Host)
		case ends:
			return wrongf("has %s, and /generate3d is added to it: write %s", worker, called)
		case strings.ContainsAny(worker, "; "):
			return wrongf("has %q: workers are separated by commas", worker)
		case seen[worker]:
			return wrongf("names %s twice: take one of them away", worker)
		case loopback(u.Hostname()) && s.public():
			return wrongf("has %s, which is the function itself: write the worker's address", u.Host)
		case u.Scheme == "http" && s.stage.production() && (ip == nil || !ip.IsPrivate()):
			return verdict{text: fmt.Sprintf("has %s, and pictures would go there in the clear: write https, or an address of the private network", worker), warning: true}
		}
		seen[worker] = true
	}
	return verdict{}
}

// redisParts are those of REDIS_URL, whose hosts url.Parse does not take when there are several.
var redisParts = regexp.MustCompile(`^[a-z+]+://(?:[^:@/]*:(.*)@|[^@/]*@)?([^/]*)`)

func redisHost(value string, s *subject) verdict {
	m := redisParts.FindStringSubmatch(value)
	if m == nil || !s.public() {
		return verdict{}
	}
	for host := range strings.SplitSeq(m[2], ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		switch {
		case loopback(strings.Trim(host, "[]")):
			return wrongf("has %s, which is the function itself: write the address of the managed Redis", host)
		case ip != nil && !ip.IsPrivate():
			return verdict{text: fmt.Sprintf("has %s, which is an address of the internet: write that of the managed Redis in the private network", host), warning: true}
		}
	}
	return verdict{}
}

func redisPassword(value string, s *subject) verdict {
	if m := redisParts.FindStringSubmatch(value); m != nil && m[1] == "" && s.stage.production() {
		return verdict{text: "has no password: whoever is in the network has every task; write redis://:password@host", warning: true}
	}
	return verdict{}
}

func knowsUsers(value string, s *subject) verdict {
	if value == "none" && s.public() {
		return wrongf("is none, and whoever reaches %s would be the one user: write jwt", s.stage.values["PUBLIC_BASE_URL"])
	}
	return verdict{}
}

func origins(value string, s *subject) verdict {
	for origin := range strings.SplitSeq(value, ",") {
		origin = strings.TrimSpace(origin)
		if strings.Contains(origin, "*") {
			return wrongf("has %s, which lets pages of strangers in: name the origins", origin)
		}
		if found := secureInProduction(origin, s); found.text != "" {
			return verdict{text: fmt.Sprintf("has %s, and whoever is on the way to that page could act as its visitors: write https", origin), warning: true}
		}
	}
	return verdict{}
}

// A secret that a machine made has more than leastEntropy bits; one of HMAC-SHA256 should not be shorter than its hash (RFC 7518, section 3.2).
const (
	leastEntropy = 100.0
	leastSecret  = 32 // bytes
)

func longSecret(value string, _ *subject) verdict {
	switch {
	case len(value) < leastSecret:
		return wrongf("has %d bytes, and %d are the least: openssl rand -hex 32", len(value), leastSecret)
	case entropy(value) < leastEntropy:
		return wrongf("can be guessed: let a machine make it, openssl rand -hex 32")
	}
	return verdict{}
}

// leastKey is Standard Webhooks' least for the bytes of a secret.
const leastKey = 24

func callbackSecrets(value string, _ *subject) verdict {
	var seen []string
	for i, secret := range strings.Fields(value) {
		encoded := strings.TrimPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case err != nil: // the programs refuse it
		case len(key) < leastKey || entropy(encoded) < leastEntropy:
			return wrongf("number %d is short or can be guessed: printf 'whsec_%%s\\n' \"$(openssl rand -base64 32)\"", i+1)
		case slices.Contains(seen, secret):
			return wrongf("number %d is there before: take it away", i+1)
		}
		seen = append(seen, secret)
	}
	return verdict{}
}

// public tells whether others than this machine are to reach the deployment.
func (s *subject) public() bool {
	u, err := url.Parse(s.stage.values["PUBLIC_BASE_URL"])
	return err != nil || !loopback(u.Hostname())
}

func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// reader is a function whose program reads a variable, "" for none.
func (all sources) reader(name string) string {
	for _, function := range sorted(all) {
		if _, ok := all[function].reads[name]; ok {
			return function
		}
	}
	return ""
}
