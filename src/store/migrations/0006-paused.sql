-- What is asleep may be paused, and since when nobody uses it says when it is stopped.
ALTER TABLE instances RENAME TO instances_before;
CREATE TABLE instances (
  id TEXT PRIMARY KEY, env TEXT NOT NULL, app TEXT NOT NULL, target TEXT NOT NULL, generation INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'draining', 'pausing', 'paused', 'stopping', 'stopped', 'removing')),
  route TEXT, problem TEXT, attempts INTEGER NOT NULL, started_at INTEGER, retry_at INTEGER, drain_until INTEGER, idle_since INTEGER,
  FOREIGN KEY (env, app) REFERENCES deployments (env, app)
) STRICT;
INSERT INTO instances
  SELECT id, env, app, target, generation, state, route, problem, attempts, started_at, retry_at, drain_until, NULL
  FROM instances_before;
DROP TABLE instances_before;
CREATE INDEX instances_by_deployment ON instances (env, app);
