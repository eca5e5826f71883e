package main

import "github.com/recon3d/recon3d/infra/local/manifest"

// watched is the topic of the stage, of which alerts and charts are.
var watched = manifest.Topic{Logset: "${env:CLS_LOGSET}", ID: "${env:CLS_TOPIC}"}

// checkLogs finds functions whose lines no alert would see.
func checkLogs(s *subject) error {
	for _, f := range s.deployment.Functions {
		switch {
		case f.Log == manifest.Topic{}:
			s.add(ymlFile, f.Line, "function %s has no cls: its lines would go to a topic of the platform's own, and no alert see them; add cls: *cls", f.Name)
		case f.Log != watched:
			s.add(ymlFile, f.Line, "function %s logs to the topic %q of the logset %q, and alerts watch another: write cls: {logsetId: %s, topicId: %s}", f.Name, f.Log.ID, f.Log.Logset, watched.Logset, watched.ID)
		}
	}
	return nil
}
