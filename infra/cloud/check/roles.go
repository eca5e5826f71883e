package main

import (
	"errors"
	"io/fs"
	"os"
)

// checkRoles holds the functions' roles against the policies that are there: a function with a policy has the role of its own name, one without
// has none.
func checkRoles(s *subject) error {
	for _, f := range s.filled.Functions {
		policy := rolesFolder + "/" + f.Name + ".json"
		_, err := os.Stat(s.path(policy))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		switch there := err == nil; {
		case there && f.Role == "":
			s.add(ymlFile, f.Line, "function %s has no role, and %s is a policy for it: add role: ${name}-${stage}-%s", f.Name, policy, f.Name)
		case !there && f.Role != "":
			s.add(ymlFile, f.Line, "function %s has a role, and %s has no policy for it: take role away, or write %s", f.Name, rolesFolder, policy)
		case f.Role != "" && f.Role != f.Deployed:
			s.add(ymlFile, f.Line, "function %s has the role %s: infra/cloud/roles makes one for each function, %s", f.Name, f.Role, f.Deployed)
		}
	}
	return nil
}
