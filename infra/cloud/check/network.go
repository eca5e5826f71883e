package main

// checkNetwork finds functions that use Redis and are not in the private network, where it is.
func checkNetwork(s *subject) error {
	for _, f := range s.deployment.Functions {
		if _, reads := s.sources[f.Name].reads["REDIS_URL"]; reads && !f.InVPC {
			s.add(ymlFile, f.Line, "function %s reads REDIS_URL and has no vpcConfig: it would start, and Redis never answer; add vpcConfig: *vpc", f.Name)
		}
	}
	return nil
}
