"""Arrays a forecast is made from: the weekly panel and what can be known at an origin."""
