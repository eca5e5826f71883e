package schema

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"sigs.k8s.io/yaml"
)

func TestTerraformFilesAreFormatted(t *testing.T) {
	paths, err := filepath.Glob("../terraform/*.tf")
	if err != nil || len(paths) < 5 {
		t.Fatalf("found %v, %v", paths, err)
	}
	for _, path := range append(paths, "../terraform/example.tfvars") {
		file, wrong := hclparse.NewParser().ParseHCLFile(path)
		if wrong.HasErrors() {
			t.Error(wrong)
			continue
		}
		if string(hclwrite.Format(file.Bytes)) != string(file.Bytes) {
			t.Errorf("%s is not formatted: terraform fmt infra/cloud/terraform", path)
		}
	}
}

// plan is what Terraform would make of the module.
type plan struct {
	Resources map[string]map[string]any // values by address; what only the platform knows is missing
}

// terraform plans the module with a provider that knows the schemas and makes nothing. The test is skipped where there is no terraform.
func terraform(t *testing.T, args ...string) (plan, error) {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("there is no terraform on this machine")
	}
	providers, err := filepath.Abs(filepath.Join(root, ".build", "terraform"))
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(providers, "terraform-provider-tencentcloud"), "./terraform-provider-tencentcloud")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the provider: %v\n%s", err, out)
	}
	dir := t.TempDir()
	settings := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"tencentcloudstack/tencentcloud\" = %q\n  }\n  direct {}\n}\n", providers)
	if err := os.WriteFile(filepath.Join(dir, "terraformrc"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = filepath.Join("..", "terraform")
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "terraformrc"), "TF_DATA_DIR="+filepath.Join(dir, "data"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("terraform %s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.String())
		}
		return out, err
	}
	if _, err := run("validate", "-no-color"); err != nil {
		return plan{}, err
	}
	file := filepath.Join(dir, "plan")
	state := "-state=" + filepath.Join(dir, "state")
	if _, err := run(append([]string{"plan", "-no-color", "-input=false", "-lock=false", state, "-var-file=example.tfvars", "-out=" + file}, args...)...); err != nil {
		return plan{}, err
	}
	shown, err := run("show", "-json", file)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		PlannedValues struct {
			RootModule struct {
				Resources []struct {
					Address string
					Values  map[string]any
				}
			} `json:"root_module"`
		} `json:"planned_values"`
	}
	if err := json.Unmarshal(shown, &read); err != nil {
		t.Fatal(err)
	}
	p := plan{map[string]map[string]any{}}
	for _, r := range read.PlannedValues.RootModule.Resources {
		p.Resources[r.Address] = r.Values
	}
	return p, nil
}

// What Terraform makes is what the deployment is made for: names, routes, roles, the bucket's rules.
func TestTerraform(t *testing.T) {
	p, err := terraform(t, "-var=certificate_id=YeGfTpDd")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Resources["tencentcloud_cos_bucket.main"]["bucket"]; got != "recon3d-prod-1250000000" {
		t.Errorf("the bucket is %v", got)
	}

	if set, topic := p.Resources["tencentcloud_cls_logset.main"], p.Resources["tencentcloud_cls_topic.functions"]; set["logset_name"] != "recon3d-prod" || topic["topic_name"] != "recon3d-prod-functions" || topic["period"] != 30.0 {
		t.Errorf("functions log to %v in %v", topic, set)
	}

	// The domain's paths are those of routes.yaml, to the functions' deployed names.
	var routes struct {
		Routes []struct{ Path, Function string }
	}
	if err := yaml.Unmarshal(read(t, "infra/cloud/routes.yaml"), &routes); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, r := range routes.Routes {
		want = append(want, r.Path+" recon3d-prod-"+r.Function)
	}
	for _, e := range p.Resources["tencentcloud_scf_custom_domain.main[0]"]["endpoints_config"].([]any) {
		e := e.(map[string]any)
		got = append(got, fmt.Sprint(e["path_match"], " ", e["function_name"]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the domain leads\n%q, not\n%q", got, want)
	}

	// Each document is a role's policy, filled in for the bucket.
	documents, err := filepath.Glob("../roles/*.json")
	if err != nil || len(documents) < 3 {
		t.Fatalf("found %v, %v", documents, err)
	}
	for _, path := range documents {
		function := strings.TrimSuffix(filepath.Base(path), ".json")
		policy := p.Resources[fmt.Sprintf("tencentcloud_cam_policy.function[%q]", function)]
		if function == "trust" {
			if policy != nil {
				t.Error("the roles' trust is a policy of a function")
			}
			continue
		}
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		filled := strings.NewReplacer("${region}", "ap-guangzhou", "${appid}", "1250000000", "${bucket}", "recon3d-prod-1250000000").Replace(string(document))
		if policy["document"] != filled {
			t.Errorf("%s may\n%v, not\n%s", function, policy["document"], filled)
		}
		role := p.Resources[fmt.Sprintf("tencentcloud_cam_role.function[%q]", function)]
		if role["name"] != "recon3d-prod-"+function || role["document"] != string(read(t, "infra/cloud/roles/trust.json")) {
			t.Errorf("the role of %s: %v", function, role)
		}
	}
}

// Until the functions are there the domain is left to make deploy.
func TestTerraformWithoutADomain(t *testing.T) {
	p, err := terraform(t)
	if err != nil {
		t.Fatal(err)
	}
	for address := range p.Resources {
		if strings.HasPrefix(address, "tencentcloud_scf_custom_domain") {
			t.Errorf("%s is made without a certificate", address)
		}
	}
}

func TestTerraformRefuses(t *testing.T) {
	for value, want := range map[string]string{
		"stage=Prod": "Small letters, digits", "stage=2": "Small letters, digits", "public_base_url=http://a.example": "https:// and a host", "public_base_url=https://a.example/b": "https:// and a host",
		"redis_password=short": "8 to 16 letters and digits", "redis_password=with/slash12": "8 to 16 letters and digits",
		"log_days=0": "1 to 3600, or 3640", "log_days=3601": "1 to 3600, or 3640", "log_days=1.5": "1 to 3600, or 3640",
	} {
		_, err := terraform(t, "-var="+value)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", value, err)
		}
	}
}
