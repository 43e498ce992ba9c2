"""What somebody should look at this morning: one SELECT for each kind of alert, ranked together by sales at stake."""
