"""What must be TRUE: Great Expectations suites and the runner."""
