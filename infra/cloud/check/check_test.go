package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	godiff "github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

const repository = "../../.."

// programs is a folder of the functions' binaries.
var programs string

func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		var err error
		if programs, err = os.MkdirTemp("", "check-programs-"); err != nil {
			return 0, err
		}
		defer os.RemoveAll(programs)
		build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", programs, "./functions/...", "./infra/cloud/check")
		build.Dir = repository
		if out, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build the functions: %w\n%s", err, out)
		}
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

// planted is one edit of one file of the repository as it is, and the finding that it must lead to.
type planted struct {
	file     string // "": serverless.yml
	old, new string // the first place is edited

	told
	also []told
}

// told is one finding.
type told struct {
	in   string // the file that is named; "": the one that was edited
	at   string // a text that begins in the line that is named; "": none is named
	want string // what is said
	of   string // a text of the line that %d in it stands for
}

const (
	routes     = routesFile
	env        = exampleFile
	terraform  = cloudFolder + "/terraform/"
	kubernetes = cloudFolder + "/kubernetes/base/"
)

func TestEachMistakeIsTold(t *testing.T) {
	for name, p := range map[string]planted{
		// What the framework takes in silence (infra/local/manifest).
		"memory of 100 MB":                {old: "memorySize: 512", new: "memorySize: 100", told: told{at: "memorySize: 100", want: "function picture: memorySize must be 64, or a multiple of 128 up to 3072 (MB), not 100"}},
		"memory with its unit":            {old: "memorySize: 512", new: "memorySize: 512MB", told: told{at: "memorySize: 512", want: `"512MB" is no whole number: write one without unit and quotes`}},
		"a tab":                           {old: "      timeout: 30\n", new: "\ttimeout: 30\n", told: told{at: "\ttimeout", want: "begins with a tab: YAML is indented by spaces"}},
		"misspelt alias":                  {old: "- *redisUrl\n", new: "- *redisURL\n", told: told{at: "- *redisURL", want: "nothing is called &redisURL: is it *redisUrl?"}},
		"no private network":              {old: "      role: ${name}-${stage}-tasks\n      vpcConfig: *vpc\n", new: "      role: ${name}-${stage}-tasks\n", told: told{at: "    tasks:\n", want: "function tasks reads REDIS_URL and has no vpcConfig: it would start, and Redis never answer; add vpcConfig: *vpc"}},
		"no topic":                        {old: "      cls: *cls\n      environments: # no Redis", new: "      environments: # no Redis", told: told{at: "    web:\n", want: "function web has no cls: its lines would go to a topic of the platform's own, and no alert see them; add cls: *cls"}},
		"another topic":                   {old: "      cls: *cls\n      environments: # no Redis", new: "      cls: {logsetId: \"${env:CLS_LOGSET}\"}\n      environments: # no Redis", told: told{at: "    web:\n", want: `function web logs to the topic "" of the logset "${env:CLS_LOGSET}", and alerts watch another: write cls: {logsetId: ${env:CLS_LOGSET}, topicId: ${env:CLS_TOPIC}}`}},
		"topic of all":                    {old: "  runtime: Go1\n", new: "  runtime: Go1\n  cls: {}\n", told: told{at: "  cls: {}", want: "inputs.cls is not handed on to the functions by every version of the component: write it in each of them"}},
		"another app":                     {old: "app: recon3d", new: "app: photos", told: told{at: "app: photos", want: "app must be recon3d: the framework knows a deployment by it, and would leave what is there and make another beside it"}},
		"concurrency of its own accord":   {old: "dynamicEnabled: false\n        maxConcurrency: 20", new: "dynamicEnabled: true\n        maxConcurrency: 20", told: told{at: "      instanceConcurrencyConfig: # it waits", want: "function tasks: dynamicEnabled must be false: with true the platform chooses how many requests an instance serves at once"}},
		"no timeout":                      {old: "      timeout: 30\n", new: "", told: told{at: "    picture:\n", want: "function picture: timeout must be set, 1 to 900 (s); the platform's own is 3"}},
		"misspelt key":                    {old: "      timeout: 30\n", new: "      timeout: 30\n      memorysize: 64\n", told: told{at: "memorysize", want: "function picture: memorysize: nobody reads it, and nobody says so: is it memorySize?"}},
		"unknown key":                     {old: "  runtime: Go1\n", new: "  runtime: Go1\n  plugins: []\n", told: told{at: "plugins", want: "inputs.plugins: nobody reads it, and nobody says so: take it away; what is read is src, region, namespace, runtime, functions, triggers"}},
		"variables that are wiped":        {old: "      timeout: 30\n", new: "      timeout: 30\n      environment: {variables: {A: b}}\n", told: told{at: "variables: {A", want: "function picture: environment is wiped by the framework; write environments: [{key, value}]"}},
		"variables of all":                {old: "  runtime: Go1\n", new: "  runtime: Go1\n  environments: []\n", told: told{at: "  environments: []", want: "inputs.environments is replaced by each function's own list: write the variable in each of them"}},
		"role of all":                     {old: "  runtime: Go1\n", new: "  runtime: Go1\n  role: all\n", told: told{at: "role: all", want: "inputs.role is not handed on to the functions by every version of the component: write it in each of them"}},
		"src of its own":                  {old: "      timeout: 30\n", new: "      timeout: 30\n      src: ./picture\n", told: told{at: "src: ./picture", want: "function picture: src packs the function's folder anew and can lose the executable bit: leave it to the one src of all"}},
		"vpc for vpcConfig":               {old: "      vpcConfig: *vpc\n", new: "      vpc: *vpc\n", told: told{at: "vpc: *vpc", want: "function create-task: vpc is not read by every version of the component: call it vpcConfig"}, also: []told{{at: "    create-task:\n", want: "function create-task reads REDIS_URL and has no vpcConfig: it would start, and Redis never answer; add vpcConfig: *vpc"}}},
		"tags that are no list":           {old: "      timeout: 30\n", new: "      timeout: 30\n      tags: {product: recon3d}\n", told: told{at: "tags:", want: "function picture: tags must be a list: [{key, value}]"}},
		"namespace":                       {old: "namespace: default", new: "namespace: recon3d", told: told{at: "namespace:", want: "inputs.namespace must be default: in another one the framework does not find the functions when it sets their triggers; stages differ by name"}},
		"concurrency of an event":         {old: "      handler: sweeper\n", new: "      handler: sweeper\n      instanceConcurrencyConfig: {enable: true, maxConcurrency: 9}\n", told: told{at: "maxConcurrency: 9}", want: "function sweeper: instanceConcurrencyConfig is for web functions, with enable: true and maxConcurrency 2 to 100; else take it away"}},
		"reserved prefix":                 {old: "        - {key: RUN_MODE, value: event}\n", new: "        - {key: RUN_MODE, value: event}\n        - {key: SCF_REGION, value: x}\n", told: told{at: "SCF_REGION", want: "function sweeper: SCF_REGION has a prefix that the platform keeps for itself: call it otherwise"}, also: []told{{at: "SCF_REGION", want: "function sweeper does not read SCF_REGION: take it away"}}},
		"variable twice":                  {old: "        - {key: FUNCTION, value: web}\n", new: "        - {key: FUNCTION, value: web}\n        - {key: FUNCTION, value: web} # again\n", told: told{at: "# again", want: "function web: FUNCTION is in line %d already: take one of them away", of: "value: web}"}},
		"private URL":                     {old: "{enableExtranet: true, enableIntranet: false}", new: "{enableIntranet: true}", told: told{at: "    - type: http", want: "http trigger of picture needs netConfig: {enableExtranet: true}: nobody would reach its URL"}},
		"two URLs":                        {old: "    - {type: http, function: web, parameters: *functionUrl}\n", new: "    - {type: http, function: web, parameters: *functionUrl}\n    - {type: http, function: web, parameters: *functionUrl} # again\n", told: told{at: "# again", want: "web is called by the trigger of line %d already: take one of them away", of: "function: web, parameters"}},
		"no URL":                          {old: "    - {type: http, function: web, parameters: *functionUrl}\n", new: "", told: told{at: "    web:\n", want: "function web has no trigger, nothing would ever call it: add an http trigger for it"}},
		"URL of an unknown":               {old: "function: web, parameters", new: "function: wab, parameters", told: told{at: "function: wab", want: `trigger of the unknown function "wab": is it web?`}, also: []told{{at: "    web:\n", want: "function web has no trigger, nothing would ever call it: add an http trigger for it"}}},
		"timer that stays off":            {old: "year\n        enable: true\n", new: "year\n", told: told{at: "type: timer", want: "timer trigger of sweeper needs enable: true: it would be made and stay off"}},
		"cron of 5 fields":                {old: `"*/15 * * * * * *"`, new: `"*/1 * * * *"`, told: told{at: "cronExpression", want: `timer trigger of sweeper: cronExpression "*/1 * * * *" has 5 fields; it needs 7: second minute hour day month week year`}},
		"cron out of range":               {old: `"*/15 * * * * * *"`, new: `"0 60 * * * * *"`, told: told{at: "cronExpression", want: `timer trigger of sweeper: cronExpression "0 60 * * * * *": "60" is no minute: *, 0 to 59, a range a-b, or steps of */n`}},
		"path of another form":            {file: routes, old: "/assets/*", new: "/assets/*.js", told: told{at: "*.js", want: `path "/assets/*.js" is none of the forms /, /*, /xxx, /xxx/a, /xxx/*: cut it into such ones`}, also: []told{{want: "no route leads /assets/{name...} to a function: add one to infra/cloud/routes.yaml"}}},
		"paths that overlap":              {file: routes, old: "  - {path: /app,", new: "  - {path: /app/*, function: web} # again\n  - {path: /app,", told: told{at: "function: web}\n  - {path: /assets", want: "/app/* overlaps with /app/* of line %d, and which of them wins is not defined: cut them so that no path fits both", of: "# again"}},
		"paths that overlap, misled":      {file: routes, old: "  - {path: /assets", new: "  - {path: /app/*, function: tasks} # again\n  - {path: /assets", told: told{at: "  - {path: /app/*, function: tasks}", want: "/app/* overlaps with /app/* of line %d, and which of them wins is not defined: cut them so that no path fits both", of: "/app/*, function: web"}, also: []told{{at: "  - {path: /app/*, function: tasks}", want: "/app/* leads to tasks, which answers no such path: take it away, or lead it where it is answered"}}},
		"route of an unknown":             {file: routes, old: "path: /app, function: web", new: "path: /app, function: webb", told: told{at: "webb", want: `/app leads to the unknown function "webb": is it web?`}},
		"line of another form":            {file: env, old: "STAGE=prod", new: "STAGE=prod\nVPC", told: told{at: "VPC\n", want: "not of the form NAME=value: one line each, no spaces around the ="}},
		"value that would be cut":         {file: env, old: "JWT_AUDIENCE=recon3d", new: "JWT_AUDIENCE=recon#3d", told: told{at: "recon#3d", want: "JWT_AUDIENCE: put quotes around the value: what follows a # is a comment to some readers"}},
		"stage variable twice":            {file: env, old: "JWT_SECRET=\n", new: "JWT_SECRET=\nJWT_SECRET=\n# again\n", told: told{at: "JWT_SECRET=\n# again", want: "JWT_SECRET is in line %d already: take one of them away", of: "JWT_SECRET=\nJWT"}},
		"a stage that begins with a mark": {file: env, old: "# What", new: "\ufeff# What", told: told{at: "# What", want: "is not plain UTF-8, and what begins it would be part of the first name: save it as UTF-8 without a byte order mark"}},
		"no routes at all":                {file: routes, old: "routes:", new: "route:", told: told{at: "# Which", want: "routes names no path"}, also: []told{{at: "route:", want: "route: nobody reads it, and nobody says so: is it routes?"}}},
		"URL without its qualifier":       {old: "        qualifier: $DEFAULT", new: "        name: url-trigger", told: told{at: "    - type: http", want: "http trigger of picture needs qualifier: $DEFAULT: the second deployment would not find it, and fail"}},

		// Names.
		"name too long":          {old: "\nname: recon3d", new: "\nname: recon3d-" + strings.Repeat("x", 40), told: told{at: "    callback-result:\n", want: "function callback-result is called \"recon3d-" + strings.Repeat("x", 40) + "-prod-callback-result\", 69 characters: the platform takes 60 letters, digits, - and _, a letter first; mend name, at the top"}},
		"name of other letters":  {old: "\nname: recon3d", new: "\nname: recon.3d", told: told{at: "    callback-result:\n", want: `function callback-result is called "recon.3d-prod-callback-result", 29 characters: the platform takes 60 letters, digits, - and _, a letter first; mend name, at the top`}},
		"name of one stage":      {old: "name: ${name}-${stage}-web", new: "name: recon3d-prod-web", told: told{at: "    web:\n", want: "function web is called recon3d-prod-web: write ${name}-${stage}-web, so that two stages have two of it, and make deploy finds it"}},
		"name of another":        {old: "name: ${name}-${stage}-callback-status", new: "name: ${name}-${stage}-web", told: told{at: "    callback-status:\n", want: "function callback-status is called ${name}-${stage}-web: write ${name}-${stage}-callback-status, so that two stages have two of it, and make deploy finds it"}},
		"role of another":        {old: "role: ${name}-${stage}-relay", new: "role: ${name}-${stage}-tasks", told: told{at: "    relay:\n", want: "function relay has the role recon3d-prod-tasks: infra/cloud/roles makes one for each function, recon3d-prod-relay"}},
		"stage of other letters": {file: env, old: "STAGE=prod", new: "STAGE=Prod", told: told{at: "STAGE=", want: `STAGE is "Prod", and a part of every function's name: small letters, digits and -, a letter first, 30 at most`}},

		"a role that nobody makes":  {old: "      handler: scf_bootstrap\n      memorySize: 128\n      timeout: 10\n      vpcConfig", new: "      handler: scf_bootstrap\n      memorySize: 128\n      timeout: 10\n      role: ${name}-${stage}-callback-status\n      vpcConfig", told: told{at: "    callback-status:\n", want: "function callback-status has a role, and infra/cloud/roles has no policy for it: take role away, or write infra/cloud/roles/callback-status.json"}},
		"a policy that nobody gets": {old: "      role: ${name}-${stage}-relay\n", new: "", told: told{at: "    relay:\n", want: "function relay has no role, and infra/cloud/roles/relay.json is a policy for it: add role: ${name}-${stage}-relay"}},

		// References to the stage.
		"variable that no stage sets, though it is needed": {file: env, old: "\nTICKET_SECRET=", new: "\n# ", told: told{in: ymlFile, at: "${env:TICKET_SECRET}", want: `TICKET_SECRET is not set in infra/cloud/env.example, and functions would get the text "undefined": set it, to nothing where it is to be empty`}},
		"variable that no stage sets":                      {file: env, old: "JWT_AUDIENCE=recon3d\n", new: "", told: told{at: "${env:JWT_AUDIENCE}", in: ymlFile, want: `JWT_AUDIENCE is not set in infra/cloud/env.example, and functions would get the text "undefined": set it, to nothing where it is to be empty`}},
		"variable that nobody needs":                       {file: env, old: "STAGE=prod", new: "STAGE=prod\nREDIS_HOST=x", told: told{at: "REDIS_HOST", want: "serverless.yml has no use for REDIS_HOST: take it away, or give it to the functions that read it"}},
		"value that is filled in":                          {file: env, old: "JWT_AUDIENCE=recon3d", new: "JWT_AUDIENCE=${env:HOME}", told: told{at: "JWT_AUDIENCE=", want: "JWT_AUDIENCE holds ${…}, which the framework fills in once more: write the value itself"}},
		"reference of another form":                        {old: "app: recon3d", new: "app: ${self:name}", told: told{at: "${self:name}", want: "app must be recon3d: the framework knows a deployment by it, and would leave what is there and make another beside it"}, also: []told{{at: "${self:name}", want: "${self:name} would stay as it stands: the framework fills in ${env:NAME}, ${name}, ${stage} and ${app}"}}},

		// What each program reads.
		"superfluous variable": {old: "        - {key: FUNCTION, value: web}\n", new: "        - {key: FUNCTION, value: web}\n        - {key: RETENTION, value: 24h}\n", told: told{at: "RETENTION", want: "function web does not read RETENTION: take it away"}},
		"misspelt variable":    {old: "        - {key: FUNCTION, value: relay}\n", new: "        - {key: FUNCTION, value: relay}\n        - {key: STREAM_MAXX, value: 100s}\n", told: told{at: "STREAM_MAXX", want: "function relay does not read STREAM_MAXX: take it away (is it STREAM_MAX?)"}},
		"missing variable":     {old: "        - *corsOrigins\n        - *ticketSecret\n        - *ticketSecretAlso\n\n    web:", new: "        - *corsOrigins\n        - *ticketSecretAlso\n\n    web:", told: told{at: "    relay:\n", want: "relay would not start: TICKET_SECRET is not set"}},
		"too much environment": {file: env, old: "CSP_ORIGINS=", new: "CSP_ORIGINS=" + strings.Repeat("https://another.example.com,", 142), told: told{in: ymlFile, at: "    web:\n", want: "function web gets 4190 bytes of environment: the platform takes 4096, all names and values together; shorten the lists in infra/cloud/env.example"}},

		// The same everywhere.
		"one function knows more": {old: "        - *workerUrls\n        - *sweepInterval\n", new: "        - *workerUrls\n", told: told{at: "    sweeper:\n", want: "function sweeper reads SWEEP_INTERVAL too, which must be the same everywhere: give it the SWEEP_INTERVAL that create-task has"}},
		"two values of one":       {old: "value: relay}\n        - *logLevel\n        - *traces\n        - *tracesHeaders\n        - *redisUrl\n        - *bucketUrl\n", new: "value: relay}\n        - *logLevel\n        - *traces\n        - *tracesHeaders\n        - *redisUrl\n        - {key: COS_BUCKET_URL, value: \"https://b-1.cos.ap-guangzhou.myqcloud.com\"}\n", told: told{at: "https://b-1", want: "function relay gets another COS_BUCKET_URL than callback-result, and it must be the same everywhere: make them one"}},

		// How they start.
		"handler of a web function":  {old: "handler: scf_bootstrap", new: "handler: picture", told: told{at: "    picture:\n", want: "function picture: handler must be scf_bootstrap, which starts every web function"}},
		"handler of the sweeper":     {old: "handler: sweeper", new: "handler: main", told: told{at: "    sweeper:\n", want: "function sweeper: handler must be sweeper, the name of its binary"}},
		"another's FUNCTION":         {old: "{key: FUNCTION, value: web}", new: "{key: FUNCTION, value: wbe}", told: told{at: "value: wbe", want: "function web: FUNCTION is wbe, which the bootstrap would start instead: write web"}},
		"no FUNCTION":                {old: "        - {key: FUNCTION, value: web}\n", new: "", told: told{at: "    web:\n", want: "function web: the bootstrap starts what FUNCTION names: add {key: FUNCTION, value: web}"}},
		"no RUN_MODE":                {old: "        - {key: RUN_MODE, value: event}\n", new: "", told: told{at: "    sweeper:\n", want: "function sweeper: an event function is hosted so: add {key: RUN_MODE, value: event}"}},
		"a value that can't be read": {old: "        - {key: FUNCTION, value: relay}\n", new: "        - {key: FUNCTION, value: relay}\n        - {key: RELAY_LEAN, value: perhaps}\n", told: told{at: "value: perhaps", want: `relay would not start: RELAY_LEAN: strconv.ParseBool: parsing "perhaps": invalid syntax`}},
		"a bucket with a path":       {file: env, old: "myqcloud.com\n", new: "myqcloud.com/prod\n", told: told{at: "COS_BUCKET_URL=", want: "callback-result, create-task, picture, relay, sweeper, tasks would not start: COS_BUCKET_URL: has more than a scheme and a host"}, also: []told{{at: "COS_BUCKET_URL=", want: `web would not start: COS_BUCKET_URL: "https://recon3d-prod-1250000000.cos.ap-guangzhou.myqcloud.com/prod" is no origin: https://host, or http://host:port`}}},

		// Secrets.
		"a key in a comment":        {old: "# What is deployed,", new: "# AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE\n# What is deployed,", told: told{at: "AKIDz8", want: "this looks like a key of the cloud's API, and the file is committed: write ${env:NAME}, and change the secret"}},
		"a secret by its look":      {old: "app: recon3d", new: "app: recon3d # 9f86d081884c7d659a2feaa0c55ad015", told: told{at: "9f86", want: "this looks like something as random as a secret, and the file is committed: write ${env:NAME}, and change the secret"}},
		"a password in routes":      {file: routes, old: "routes:\n", new: "# redis://:hunter2@10.0.0.1\nroutes:\n", told: told{at: "hunter2", want: "this looks like a password in an address, and the file is committed: write a reference to it, and change the secret"}},
		"a key in Terraform":        {file: terraform + "versions.tf", old: "region = var.region\n", new: "region = var.region\n  secret_id = \"AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE\"\n", told: told{at: "  secret_id", want: "this looks like a key of the cloud's API, and the file is committed: write var.name, and change the secret"}},
		"a password in Terraform":   {file: terraform + "redis.tf", old: "= var.redis_password", new: "= \"hunter2hunter2\"", told: told{at: "hunter2", want: "this looks like the value of a secret, and the file is committed: write var.name, and change the secret"}},
		"a preset password":         {file: terraform + "variables.tf", old: "  sensitive   = true\n", new: "  sensitive   = true\n  default     = \"hunter2hunter2\"\n", told: told{at: "hunter2", want: "this looks like the value of a secret, and the file is committed: write var.name, and change the secret"}},
		"a secret for Kubernetes":   {file: kubernetes + "relay.yaml", old: "{name: JWT_SECRET, valueFrom: {secretKeyRef: {name: recon3d, key: JWT_SECRET}}}", new: "{name: JWT_SECRET, value: hunter2hunter2}", told: told{at: "hunter2", want: "this looks like the value of a secret, and the file is committed: write a reference to it, and change the secret"}},
		"an address for Kubernetes": {file: kubernetes + "kustomization.yaml", old: "- JWT_AUDIENCE=recon3d", new: "- REDIS_URL=redis://:hunter2@10.0.0.1", told: told{at: "hunter2", want: "this looks like a password in an address, and the file is committed: write a reference to it, and change the secret"}},
		"a secret for containers":   {file: "infra/cloud/compose/compose.yaml", old: "\"${TICKET_SECRET:?}\"", new: "9f86d081884c7d659a2feaa0c55ad015", told: told{at: "9f86", want: "this looks like something as random as a secret, and the file is committed: write a reference to it, and change the secret"}},
		"a key beside a role":       {file: rolesFolder + "/relay.json", old: "\"2.0\"", new: "\"AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE\"", told: told{at: "AKIDz8", want: "this looks like a key of the cloud's API, and the file is committed: write a reference to it, and change the secret"}},
		"a secret by its name":      {old: `value: "${env:TICKET_SECRET}"`, new: `value: "correct horse battery staple and more"`, told: told{at: "correct horse", want: "TICKET_SECRET is secret and its value is committed here: write ${env:TICKET_SECRET}, and change the secret"}, also: []told{{in: env, at: "\nTICKET_SECRET=", want: "serverless.yml has no use for TICKET_SECRET: take it away, or give it to the functions that read it"}}},

		// Values.
		"http in production":      {file: env, old: "PUBLIC_BASE_URL=https", new: "PUBLIC_BASE_URL=http", told: told{at: "PUBLIC_BASE_URL=", want: "PUBLIC_BASE_URL is http, and what goes there could be read on the way: write https://recon3d.example.com"}},
		"origin with a path":      {file: env, old: "https://recon3d.example.com\n", new: "https://recon3d.example.com/api\n", told: told{at: "PUBLIC_BASE_URL=", want: "PUBLIC_BASE_URL has a path: it is the API's origin, write https://recon3d.example.com"}},
		"keys of this machine":    {file: env, old: "JWT_JWKS_URL=https://login.example.com", new: "JWT_JWKS_URL=https://localhost", told: told{at: "JWT_JWKS_URL=", want: "JWT_JWKS_URL is localhost, which is each machine itself: write the address that others reach"}},
		"domain with a port":      {file: env, old: "https://recon3d.example.com\n", new: "https://recon3d.example.com:8443\n", told: told{at: "PUBLIC_BASE_URL=", want: "PUBLIC_BASE_URL has more than a name in small letters, which is all that the platform's custom domain has: write https://recon3d.example.com"}},
		"domain of large letters": {file: env, old: "https://recon3d.example.com\n", new: "https://Recon3D.example.com\n", told: told{at: "PUBLIC_BASE_URL=", want: "PUBLIC_BASE_URL has more than a name in small letters, which is all that the platform's custom domain has: write https://recon3d.example.com"}},
		"no domain":               {file: env, old: "https://recon3d.example.com\n", new: "https://203.0.113.4\n", told: told{at: "PUBLIC_BASE_URL=", want: "PUBLIC_BASE_URL is 203.0.113.4, and the platform's custom domain has a name: write https://recon3d.example.com"}},
		"no scheme":               {file: env, old: "PUBLIC_BASE_URL=https://", new: "PUBLIC_BASE_URL=", told: told{at: "PUBLIC_BASE_URL=", want: `create-task, sweeper would not start: PUBLIC_BASE_URL: "recon3d.example.com" is not of the form http(s)://host`}},
		"no users, in public":     {old: "value: jwt", new: "value: none", told: told{at: "value: none", want: "AUTH_MODE is none, and whoever reaches https://recon3d.example.com would be the one user: write jwt"}},
		"pages of strangers":      {file: env, old: "CORS_ORIGINS=https://www.example.com", new: "CORS_ORIGINS=*", told: told{at: "CORS_ORIGINS=", want: "CORS_ORIGINS has *, which lets pages of strangers in: name the origins"}},
		"short ticket secret":     {file: env, old: "TICKET_SECRET=5d0c4f7a91e23b68d7f4a0c2b9e8163f2a7d5c40e1b98f36ca0d72e4519bf683", new: "TICKET_SECRET=5d0c4f7a91e23b68", told: told{at: "TICKET_SECRET=", want: "TICKET_SECRET has 16 bytes, and 32 are the least: openssl rand -hex 32"}},
		"guessable ticket secret": {file: env, old: "TICKET_SECRET=5d0c4f7a91e23b68d7f4a0c2b9e8163f2a7d5c40e1b98f36ca0d72e4519bf683", new: "TICKET_SECRET=" + strings.Repeat("secret", 6), told: told{at: "TICKET_SECRET=", want: "TICKET_SECRET can be guessed: let a machine make it, openssl rand -hex 32"}},
		"short callback secret":   {file: env, old: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwq3vN7cX0bYg=", new: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI", told: told{at: "CALLBACK_SECRETS=", want: `CALLBACK_SECRETS number 1 is short or can be guessed: printf 'whsec_%s\n' "$(openssl rand -base64 32)"`}},
		"callback secret twice":   {file: env, old: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDh1xRk9WqLzE=", new: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwq3vN7cX0bYg=", told: told{at: "CALLBACK_SECRETS=", want: "CALLBACK_SECRETS number 2 is there before: take it away"}},
		"one secret for two":      {file: env, old: "JWT_SECRET=", new: "JWT_SECRET=5d0c4f7a91e23b68d7f4a0c2b9e8163f2a7d5c40e1b98f36ca0d72e4519bf683", told: told{at: "\nTICKET_SECRET=", want: "TICKET_SECRET is the same as JWT_SECRET: make one of its own, so that who learns one has not both"}},
		"bucket far away":         {file: env, old: "cos.ap-guangzhou", new: "cos.ap-shanghai", told: told{at: "COS_BUCKET_URL=", want: "COS_BUCKET_URL is in ap-shanghai, and the functions are in ap-guangzhou: put both in one region"}},
		"region of another form":  {file: env, old: "TENCENT_REGION=ap-guangzhou", new: "TENCENT_REGION=Guangzhou", told: told{at: "TENCENT_REGION=", want: `TENCENT_REGION is "Guangzhou": it is of the form ap-guangzhou`}},
		"a zone for a region":     {file: env, old: "TENCENT_REGION=ap-guangzhou", new: "TENCENT_REGION=ap-guangzhou-6", told: told{at: "TENCENT_REGION=", want: `TENCENT_REGION is "ap-guangzhou-6": it is of the form ap-guangzhou`}},
		"misspelt region":         {file: env, old: "TENCENT_REGION=ap-guangzhou", new: "TENCENT_REGION=ap-guangzou", told: told{at: "TENCENT_REGION=", want: "TENCENT_REGION is ap-guangzou, and there is none of that name: is it ap-guangzhou?"}, also: []told{{at: "COS_BUCKET_URL=", want: "COS_BUCKET_URL is in ap-guangzhou, and the functions are in ap-guangzou: put both in one region"}}},
		"no bucket's host":        {file: env, old: "recon3d-prod-1250000000.cos", new: "recon3d-prod.cos", told: told{at: "COS_BUCKET_URL=", want: "COS_BUCKET_URL is recon3d-prod.cos.ap-guangzhou.myqcloud.com, and a bucket's host is <name>-<appid>.cos.<region>.myqcloud.com, in small letters: take it from the bucket's page in the console"}},
		"workers by semicolons":   {file: env, old: "com,https://gpu-1", new: "com;https://gpu-1", told: told{at: "WORKER_URLS=", want: `WORKER_URLS has "https://gpu-0.recon3d.example.com;https://gpu-1.recon3d.example.com": workers are separated by commas`}},
		"worker with its path":    {file: env, old: "https://gpu-0.recon3d.example.com", new: "https://gpu-0.recon3d.example.com/generate3d", told: told{at: "WORKER_URLS=", want: "WORKER_URLS has https://gpu-0.recon3d.example.com/generate3d, and /generate3d is added to it: write https://gpu-0.recon3d.example.com"}},
		"traces to a path":        {file: env, old: "OTLP_ENDPOINT=", new: "OTLP_ENDPOINT=https://traces.example.com/v1/traces", told: told{at: "OTEL_EXPORTER_OTLP_ENDPOINT=", want: "OTEL_EXPORTER_OTLP_ENDPOINT ends in /v1/traces, which is added to it: write https://traces.example.com"}},
		"traces to this machine":  {file: env, old: "OTLP_ENDPOINT=", new: "OTLP_ENDPOINT=http://localhost:4318", told: told{at: "OTEL_EXPORTER_OTLP_ENDPOINT=", want: "OTEL_EXPORTER_OTLP_ENDPOINT is localhost:4318, which is each machine itself: write the address that others reach"}},
		"a short second secret":   {file: env, old: "TICKET_SECRET_ALSO=", new: "TICKET_SECRET_ALSO=sixteen-bytes-01", told: told{at: "TICKET_SECRET_ALSO=", want: "TICKET_SECRET_ALSO has 16 bytes, and 32 are the least: openssl rand -hex 32"}},
		"a command for a secret":  {file: env, old: "TICKET_SECRET_ALSO=", new: "TICKET_SECRET_ALSO=$(openssl rand -hex 32 | cut -c 1-40)", told: told{at: "TICKET_SECRET_ALSO=", want: "TICKET_SECRET_ALSO holds $(…), and no shell reads this file: write what that command prints"}},
		"network of another form": {file: env, old: "VPC_ID=vpc-4xk2m9qa", new: "VPC_ID=4xk2m9qa", told: told{at: "VPC_ID=", want: `VPC_ID is "4xk2m9qa": it is of the form vpc-4xk2m9qa`}},
		"a logset and no topic":   {file: env, old: "CLS_TOPIC=2f5764c1-c833-44c5-84c7-950979b2a278", new: "CLS_TOPIC=", told: told{at: "CLS_TOPIC=", want: `CLS_TOPIC is "": it is of the form 2f5764c1-c833-44c5-84c7-950979b2a278, the id of a topic of that logset; infra/cloud/terraform makes one`}},
		"a topic and no logset":   {file: env, old: "CLS_LOGSET=5cd3a17e-fb0b-418c-afd7-77b365397426", new: "CLS_LOGSET=", told: told{at: "CLS_LOGSET=", want: `CLS_LOGSET is "": it is of the form 5cd3a17e-fb0b-418c-afd7-77b365397426, the id of a logset of the log service; infra/cloud/terraform makes one`}},
		"ids of another form":     {file: env, old: "CLS_LOGSET=5cd3a17e-fb0b-418c-afd7-77b365397426\nCLS_TOPIC=2f5764c1-c833-44c5-84c7-950979b2a278", new: "CLS_LOGSET=recon3d-prod\nCLS_TOPIC=functions", told: told{at: "CLS_LOGSET=", want: `CLS_LOGSET is "recon3d-prod": it is of the form 5cd3a17e-fb0b-418c-afd7-77b365397426, the id of a logset of the log service; infra/cloud/terraform makes one`}, also: []told{{at: "CLS_TOPIC=", want: `CLS_TOPIC is "functions": it is of the form 2f5764c1-c833-44c5-84c7-950979b2a278, the id of a topic of that logset; infra/cloud/terraform makes one`}}},
		"Redis of this machine":   {file: env, old: "@10.0.12.7:6379", new: "@localhost:6379", told: told{at: "REDIS_URL=", want: "REDIS_URL has localhost, which is the function itself: write the address of the managed Redis"}},
		"worker of this machine":  {file: env, old: "https://gpu-0.recon3d.example.com", new: "http://127.0.0.1:8000", told: told{at: "WORKER_URLS=", want: "WORKER_URLS has 127.0.0.1:8000, which is the function itself: write the worker's address"}},
		"worker twice":            {file: env, old: "https://gpu-1.recon3d", new: "https://gpu-0.recon3d", told: told{at: "WORKER_URLS=", want: "WORKER_URLS names https://gpu-0.recon3d.example.com twice: take one of them away"}},

		// Times.
		"streams longer than the platform's":   {old: "timeout: 900 ", new: "timeout: 600 ", told: told{at: "    relay:\n", want: "function relay: streams end by themselves after STREAM_MAX (14m0s), the platform cuts them after timeout (10m0s): make the timeout longer, 900 at most, or set STREAM_MAX"}},
		"hand-over longer than the platform's": {old: "timeout: 20\n", new: "timeout: 10\n", told: told{at: "    create-task:\n", want: "function create-task: a hand-over may take DISPATCH_TIMEOUT (10s), the platform ends it after timeout (10s): make the timeout longer"}},
		"timer unlike its variable":            {old: `"*/15 * * * * * *"`, new: `"0 */1 * * * * *"`, told: told{at: "&sweepInterval", want: "SWEEP_INTERVAL is 15s, and the timer of line %d comes every 1m0s: make them the same", of: "- type: timer"}},
		"timer of no period":                   {old: `"*/15 * * * * * *"`, new: `"0 0 3 * * * *"`, told: told{at: "    - type: timer", want: `the timer comes at "0 0 3 * * * *", and SWEEP_INTERVAL is 15s: write it as steps of seconds or minutes, "*/15 * * * * * *" for 15s`}},

		// Paths.
		"a path that leads nowhere":       {file: routes, old: "  - {path: /api/reconstruction/list, function: tasks}\n", new: "", told: told{at: "  /api/reconstruction/list:", in: openapiFile, want: "no route leads /api/reconstruction/list to a function: add one to infra/cloud/routes.yaml"}},
		"a path that leads to another":    {file: routes, old: "path: /api/reconstruction/list, function: tasks", new: "path: /api/reconstruction/list, function: relay", told: told{at: "reconstruction/list", want: "/api/reconstruction/list leads /api/reconstruction/list to relay, which does not answer it: lead it to tasks"}},
		"a page that leads nowhere":       {file: routes, old: "  - {path: /app, function: web}\n", new: "", told: told{want: "no route leads /app to a function: add one to infra/cloud/routes.yaml"}},
		"a route that leads to no answer": {file: routes, old: "  - {path: /app, function: web}\n", new: "  - {path: /app, function: web}\n  - {path: /old, function: web}\n", told: told{at: "/old", want: "/old leads to web, which answers no such path: take it away, or lead it where it is answered"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := tree{root: copied(t), bin: programs}
			files.env = files.path(exampleFile)
			if p.file == "" {
				p.file = ymlFile
			}
			replace(t, files.path(p.file), p.old, p.new)
			wrong, _, err := check(files)
			if err != nil {
				t.Fatal(err)
			}
			var want manifest.Problems
			for _, told := range append([]told{p.told}, p.also...) {
				want = append(want, told.problem(t, files, p.file))
			}
			want.Sort()
			if diff := godiff.Diff(want.Error(), wrong.Error()); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, wrong)
			}
		})
	}
}

func TestTheRepositoryIsFine(t *testing.T) {
	wrong, warnings, err := check(tree{root: repository, env: repository + "/" + exampleFile, bin: programs})
	if err != nil || wrong != nil || warnings != nil {
		t.Errorf("got %v, %v, %v", wrong, warnings, err)
	}
}

// What may be meant so is warned of, and stops nothing.
func TestWarnings(t *testing.T) {
	for name, p := range map[string]planted{
		"Redis without a password": {old: ":Vn3kQ8xTb2LwY6sJ@", told: told{at: "REDIS_URL=", want: "REDIS_URL has no password: whoever is in the network has every task; write redis://:password@host"}},
		"Redis of the internet":    {old: "@10.0.12.7", new: "@203.0.113.9", told: told{at: "REDIS_URL=", want: "REDIS_URL has 203.0.113.9, which is an address of the internet: write that of the managed Redis in the private network"}},
		"anybody's tokens":         {old: "JWT_AUDIENCE=recon3d", new: "JWT_AUDIENCE=", told: told{at: "JWT_JWKS_URL=", want: "JWT_JWKS_URL is whose tokens are taken, and JWT_AUDIENCE is empty: so are those that it gives for other applications; set JWT_AUDIENCE"}},
		"page in the clear":        {old: "https://studio", new: "http://studio", told: told{at: "CORS_ORIGINS=", want: "CORS_ORIGINS has http://studio.example.com, and whoever is on the way to that page could act as its visitors: write https"}},
		"traces by gRPC":           {old: "OTLP_ENDPOINT=", new: "OTLP_ENDPOINT=http://10.0.12.9:4317", told: told{at: "OTEL_EXPORTER_OTLP_ENDPOINT=", want: "OTEL_EXPORTER_OTLP_ENDPOINT has the port of OTLP by gRPC, and OTLP by HTTP is spoken: mostly at 4318"}},
		"worker in the clear":      {old: "https://gpu-2", new: "http://gpu-2", told: told{at: "WORKER_URLS=", want: "WORKER_URLS has http://gpu-2.recon3d.example.com, and pictures would go there in the clear: write https, or an address of the private network"}},
		"bucket of another host":   {old: "recon3d-prod-1250000000.cos.ap-guangzhou.myqcloud.com", new: "files.example.com", told: told{at: "COS_BUCKET_URL=", want: "COS_BUCKET_URL is no host of a bucket, <name>-<appid>.cos.<region>.myqcloud.com: right only if files.example.com is a domain of the bucket's own"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree{root: copied(t), bin: programs}
			files.env = files.path(exampleFile)
			replace(t, files.env, p.old, p.new)
			wrong, warnings, err := check(files)
			if err != nil || wrong != nil {
				t.Fatal(err, wrong)
			}
			if diff := godiff.Diff(manifest.Problems{p.problem(t, files, exampleFile)}, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// A stage of this machine alone may do what one that others reach may not.
func TestAStageOfOneMachine(t *testing.T) {
	files := tree{root: copied(t), bin: programs}
	files.env = files.path(exampleFile)
	for before, after := range map[string]string{
		"STAGE=prod": "STAGE=dev", "PUBLIC_BASE_URL=https://recon3d.example.com": "PUBLIC_BASE_URL=http://localhost:8080", "@10.0.12.7:6379": "@127.0.0.1:6379",
		"https://gpu-0.recon3d.example.com": "http://127.0.0.1:8000", "TENCENT_REGION=ap-guangzhou": "TENCENT_REGION=ap-atlantis", "cos.ap-guangzhou": "cos.ap-atlantis",
	} {
		replace(t, files.env, before, after)
	}
	replace(t, files.path(ymlFile), "value: jwt", "value: none")
	wrong, warnings, err := check(files)
	if err != nil || wrong != nil {
		t.Errorf("got %v, %v", wrong, err)
	}
	// A region that has come since the list was written does not stop a deployment either.
	if want := "TENCENT_REGION is ap-atlantis, which is not known here: right only if SCF has come there since"; len(warnings) != 1 || warnings[0].Text != want {
		t.Errorf("warnings: got %v, want %q", warnings, want)
	}
}

// Who copies the example and leaves its secrets in deploys with secrets that everybody knows.
func TestTheExamplesSecretsAreNobodys(t *testing.T) {
	files := tree{root: copied(t), bin: programs}
	files.env = filepath.Join(t.TempDir(), "prod.env")
	if err := os.WriteFile(files.env, []byte(content(t, files.path(exampleFile))), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong, _, err := check(files)
	if err != nil {
		t.Fatal(err)
	}
	var want manifest.Problems
	for _, name := range []string{"REDIS_URL", "TICKET_SECRET", "CALLBACK_SECRETS"} {
		p := told{at: "\n" + name + "=", want: name + " is that of infra/cloud/env.example, which everybody can read: make one of its own"}.problem(t, files, exampleFile)
		p.File = files.env
		want = append(want, p)
	}
	want.Sort()
	if diff := godiff.Diff(want, wrong); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestAFunctionWithoutBinary(t *testing.T) {
	files := tree{root: copied(t), bin: t.TempDir()}
	files.env = files.path(exampleFile)
	wrong, _, err := check(files)
	if err != nil || len(wrong) != 8 {
		t.Fatalf("got %v, %v; want one of each function", wrong, err)
	}
	if want := "function picture has no binary " + filepath.Join(files.bin, "picture") + ": run make build, or take it away"; wrong[0].Text != want {
		t.Errorf("got %q, want %q", wrong[0].Text, want)
	}
}

// Without a file this process's environment is the stage.
func TestTheProcessIsAStage(t *testing.T) {
	files := tree{root: copied(t), bin: programs}
	example, err := manifest.ReadStage(files.path(exampleFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range example {
		t.Setenv(v.Name, v.Value)
	}
	t.Setenv("TICKET_SECRET", "short")
	t.Setenv("CALLBACK_SECRETS", "whsec_"+strings.Repeat("Zm9vYmFyYmF6cXV4", 3))
	t.Setenv("REDIS_URL", "redis://:x@10.0.0.1/0")
	wrong, _, err := check(files)
	if err != nil {
		t.Fatal(err)
	}
	if want := "environment: TICKET_SECRET has 5 bytes, and 32 are the least: openssl rand -hex 32"; !strings.Contains(wrong.Error(), want) {
		t.Errorf("got %v, want %q", wrong, want)
	}
}

func TestTheCommand(t *testing.T) {
	root := copied(t)
	run := func(args ...string) (exit int, out, told string) {
		var stdout, stderr strings.Builder
		cmd := exec.Command(filepath.Join(programs, "check"), args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = root, &stdout, &stderr
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	}
	if exit, out, told := run("-env", exampleFile, "-bin", programs); exit != 0 || out != "nothing to mend before a deployment\n" || told != "" {
		t.Errorf("fine: got %d, %q, %q", exit, out, told)
	}
	replace(t, filepath.Join(root, ymlFile), "timeout: 30", "timeout: 0")
	if exit, out, told := run("-env", exampleFile, "-bin", programs); exit != 1 || !strings.HasPrefix(out, fmt.Sprintf("serverless.yml:%d: function picture: timeout", lineOf(t, content(t, filepath.Join(root, ymlFile)), "timeout: 0"))) || told != "1 thing to mend before a deployment\n" {
		t.Errorf("wrong: got %d, %q, %q", exit, out, told)
	}
	if exit, _, told := run("-env", "nowhere.env", "-bin", programs); exit != 2 || !strings.Contains(told, "open nowhere.env: no such file") {
		t.Errorf("no stage: got %d, %q", exit, told)
	}
	if exit, _, told := run("prod"); exit != 2 || !strings.HasPrefix(told, "usage: check [-env FILE]") {
		t.Errorf("an argument: got %d, %q", exit, told)
	}
}

// problem is what a finding is in the edited files.
func (d told) problem(t *testing.T, files tree, edited string) manifest.Problem {
	t.Helper()
	p := manifest.Problem{File: cmp.Or(d.in, edited), Text: d.want}
	text := content(t, files.path(p.File))
	if d.at != "" {
		p.Line = lineOf(t, text, d.at)
	}
	if d.of != "" {
		p.Text = fmt.Sprintf(p.Text, lineOf(t, text, d.of))
	}
	return p
}

// copied is a copy of what is checked, of which files can be edited.
func copied(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, file := range []string{ymlFile, routesFile, exampleFile, openapiFile, guideFile} {
		target := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(content(t, filepath.Join(repository, file))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{rolesFolder, cloudFolder + "/compose", terraform, cloudFolder + "/kubernetes"} {
		if err := os.CopyFS(filepath.Join(root, folder), os.DirFS(filepath.Join(repository, folder))); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"functions", "shared"} {
		source, err := filepath.Abs(filepath.Join(repository, folder))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(source, filepath.Join(root, folder)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func replace(t *testing.T, path, before, after string) {
	t.Helper()
	text := content(t, path)
	if !strings.Contains(text, before) {
		t.Fatalf("%s has no longer %q", path, before)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(text, before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lineOf is the number of the line in which a text begins.
func lineOf(t *testing.T, text, part string) int {
	t.Helper()
	i := strings.Index(text, part)
	if i < 0 {
		t.Fatalf("there is no %q", part)
	}
	i += len(part) - len(strings.TrimLeft(part, "\n"))
	return 1 + strings.Count(text[:i], "\n")
}
