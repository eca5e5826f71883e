package task

import "net/url"

// The paths of the API that answers name, as references to resolve against its origin.

// StatusPath is where a task's state is asked for.
func StatusPath(id string) string { return "/api/reconstruction/status/" + id }

// EventsPath is where a task's events are streamed to who holds the ticket.
func EventsPath(id, ticket string) string {
	return "/api/reconstruction/events/" + id + "?ticket=" + url.QueryEscape(ticket)
}
