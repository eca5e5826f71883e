package main

import (
	"math"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// secretNames are parts of the names of variables whose values nobody may read.
var secretNames = regexp.MustCompile(`SECRET|PASSWORD|TOKEN|CREDENTIAL|PRIVATE|_KEY$|^REDIS_URL$`)

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
}

// checkSecrets looks for secrets in the files that are committed, comments too.
func checkSecrets(s *subject) error {
	for _, file := range []string{ymlFile, routesFile} {
		text, err := os.ReadFile(s.path(file))
		if err != nil {
			return err
		}
		var line int
		for content := range strings.Lines(string(text)) {
			line++
			if what := secretIn(content); what != "" {
				s.add(file, line, "this looks like %s, and the file is committed: write ${env:NAME}, and change the secret", what)
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

// secretIn says what kind of secret a text seems to hold, "" for none.
func secretIn(text string) string {
	for _, s := range secretForms {
		if s.form.MatchString(text) {
			return s.what
		}
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
