"""Signed-in people in browsers, clicking through the views of what is published: `ims bench dashboards`."""
