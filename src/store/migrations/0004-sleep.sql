-- What is live may be asleep, and on its way back from that.
UPDATE deployments SET live = json_set(live, '$.waking', json('false')) WHERE live IS NOT NULL;
