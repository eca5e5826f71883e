package client

import (
	"context"
	"net/url"
)

// DeleteTask deletes a task and its results. One that still runs is cancelled first.
func (c *Client) DeleteTask(ctx context.Context, id string) error {
	return c.call(ctx, request{method: "DELETE", path: "/api/reconstruction/status/" + url.PathEscape(id)}, nil)
}

// DeletePicture deletes a picture. Tasks that were made of it go on.
func (c *Client) DeletePicture(ctx context.Context, id string) error {
	return c.call(ctx, request{method: "DELETE", path: "/picture/" + url.PathEscape(id)}, nil)
}
