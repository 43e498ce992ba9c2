-- One row per job whose pair did not suit its wearer.
SELECT n.lab_job_id, n.reason, n.reported_on, n.charged_amount
FROM raw.non_adapts AS n
