package schema

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// read reads a file of the repository.
func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// relayVariables are those that serverless.yml gives the relay.
func relayVariables(t *testing.T) []string {
	t.Helper()
	var deployment struct {
		Inputs struct {
			Functions map[string]struct {
				Environments []struct{ Key string }
			}
		}
	}
	if err := yaml.Unmarshal(read(t, "serverless.yml"), &deployment); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range deployment.Inputs.Functions["relay"].Environments {
		names = append(names, e.Key)
	}
	if len(names) < 5 {
		t.Fatalf("found %v: the search is broken", names)
	}
	return names
}
