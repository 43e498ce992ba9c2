environment    = "staging"
region         = "ap-south-1"
host           = "staging.ims.example.com"
database_class = "db.t4g.medium"
api_tasks      = { least = 1, most = 2 }
alarm_mail     = "ims-team@example.com"
budget_dollars = 400
