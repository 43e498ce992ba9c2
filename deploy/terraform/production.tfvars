# What is not secret. `image` is given by the release workflow.
environment    = "production"
region         = "ap-south-1"
host           = "ims.example.com"
database_class = "db.m7g.large"
api_tasks      = { least = 3, most = 10 }
alarm_mail     = "ims-on-call@example.com"
budget_dollars = 1500
