package main

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// secretNames are parts of the names of variables whose values nobody may read.
var secretNames = regexp.MustCompile(`SECRET|PASSWORD|TOKEN|CREDENTIAL|PRIVATE|_KEY$|^REDIS_URL$`)

// references are how the kinds of files refer to a secret.
var references = map[string]string{".yml": "${env:NAME}", ".yaml": "a reference to it", ".json": "a reference to it", ".tf": "var.name"}

// secretForms are what secrets look like, whatever they are called.
var secretForms = []struct {
	what string
	form *regexp.Regexp
}{
	{"a key of the cloud's API", regexp.MustCompile(`\bAKID[A-Za-z0-9]{13,}`)},
	{"a secret of callbacks", regexp.MustCompile(`\bwhsec_[A-Za-z0-9+/=]{8,}`)},
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY`)},
	{"a bearer token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`)},
	{"a password in an address", regexp.MustCompile(`[a-z]://[^\s/@:$]*:[^\s/@$]+@`)},
	{"something as random as a secret", regexp.MustCompile(`\b[0-9a-f]{32,}\b`)},
}

// assigned is a value written out for a name that is a secret's: in Terraform, Kubernetes' and compose's files, which refer to theirs otherwise.
var assigned = regexp.MustCompile(`(?i)(?:secret|secrets|secret_key|secret_id|password|token|_also)\b["']?(?:, *value)?["']?\s*[:=]\s*["']?[^\s"'$*&{}()|,.]{6,}["']?\s*[,}#]*\s*$`)

// preset is the default of a variable of Terraform.
var preset = regexp.MustCompile(`^\s*default\s*=\s*"[^"]+"`)

// committed are the files that say what is deployed. What is made up in the examples beside them has a name that ends in .example.
func (s *subject) committed() ([]string, error) {
	files := []string{ymlFile}
	err := fs.WalkDir(os.DirFS(s.path(cloudFolder)), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"node_modules", ".terraform", "toolkit", "judge"}, d.Name()):
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".tf", ".json"}, filepath.Ext(path)):
			files = append(files, cloudFolder+"/"+path)
		}
		return nil
	})
	return files, err
}

// checkSecrets looks for secrets in the files that are committed, comments too.
func checkSecrets(s *subject) error {
	files, err := s.committed()
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(s.path(file))
		if err != nil {
			return err
		}
		var line int
		secretVariable := false // of Terraform, in whose block this line is
		for content := range strings.Lines(string(text)) {
			line++
			if name, begins := strings.CutPrefix(content, "variable "); begins {
				secretVariable = secretNames.MatchString(strings.ToUpper(name))
			}
			what := secretForm(content)
			switch {
			case what != "":
			case file == ymlFile || file == routesFile:
				what = secretIn(content)
			case assigned.MatchString(content), secretVariable && preset.MatchString(content):
				what = "the value of a secret"
			}
			if what != "" {
				s.add(file, line, "this looks like %s, and the file is committed: write %s, and change the secret", what, references[filepath.Ext(file)])
			}
		}
	}
	told := map[int]bool{}
	for _, f := range s.deployment.Functions {
		for _, v := range f.Environment {
			if secretNames.MatchString(v.Name) && v.Value != "" && !strings.HasPrefix(v.Value, "${env:") && secretIn(v.Value) == "" && !told[v.ValueLine] {
				told[v.ValueLine] = true
				s.add(ymlFile, v.ValueLine, "%s is secret and its value is committed here: write ${env:%s}, and change the secret", v.Name, v.Name)
			}
		}
	}
	return nil
}

// secretForm says what secret's form a text has, "" for none.
func secretForm(text string) string {
	for _, s := range secretForms {
		if s.form.MatchString(text) {
			return s.what
		}
	}
	return ""
}

// secretIn says what kind of secret a text seems to hold, "" for none. Where there are long names of metrics or paths, they seem so too.
func secretIn(text string) string {
	if what := secretForm(text); what != "" {
		return what
	}
	for _, word := range strings.FieldsFunc(text, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("+/=_-", c)
	}) {
		if randomLooking(word) {
			return "something as random as a secret"
		}
	}
	return ""
}

// randomLooking tells whether a word is one that nobody would think up: long, of letters and digits mixed, and of many different ones.
func randomLooking(word string) bool {
	letters, digits := strings.ContainsFunc(word, unicode.IsLetter), strings.ContainsFunc(word, unicode.IsDigit)
	return len(word) >= 20 && letters && digits && entropy(word)/float64(len(word)) > 3.3
}

// entropy is Shannon's, in bits, of the whole text by the frequencies of its own letters.
func entropy(text string) float64 {
	frequency, n := map[rune]float64{}, 0.0
	for _, c := range text {
		frequency[c]++
		n++
	}
	bits := 0.0
	for _, f := range frequency {
		bits -= f * math.Log2(f/n)
	}
	return bits
}
