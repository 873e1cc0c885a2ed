-- Environments that are derived from branches, releases of several deployments, and artifacts that are kept for going back.
ALTER TABLE environments RENAME TO environments_before;
CREATE TABLE environments (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('prod', 'stage', 'preview')),
  identity TEXT NOT NULL UNIQUE, parked TEXT, cause TEXT, heads TEXT NOT NULL, good_config TEXT, errors TEXT NOT NULL,
  created_at INTEGER NOT NULL, active_at INTEGER NOT NULL, ending_since INTEGER
) STRICT;
INSERT INTO environments
  SELECT name, kind, identity, NULL, cause, '{}', NULL, errors, created_at, 0, NULL FROM environments_before;

ALTER TABLE deployments RENAME TO deployments_before;
CREATE TABLE deployments (
  env TEXT NOT NULL REFERENCES environments (name), app TEXT NOT NULL,
  data_name TEXT NOT NULL, data_engine TEXT, kept TEXT NOT NULL, live TEXT, next TEXT,
  PRIMARY KEY (env, app)
) STRICT;
INSERT INTO deployments
  SELECT env, app, data_name, data_engine,
    CASE WHEN live IS NULL THEN '[]' ELSE json_array(live ->> '$.target.artifact') END,
    json_set(live, '$.suspended', json('false'), '$.target.policy.after', NULL),
    json_set(next,
      '$.target.policy.after', NULL,
      '$.removes', json(iif(next ->> '$.state' = 'removing' OR next ->> '$.release' IS NOT NULL, 'true', 'false')),
      '$.brake', next ->> '$.release')
  FROM deployments_before;

ALTER TABLE instances RENAME TO instances_before;
CREATE TABLE instances (
  id TEXT PRIMARY KEY, env TEXT NOT NULL, app TEXT NOT NULL, target TEXT NOT NULL, generation INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'draining', 'stopping', 'stopped', 'removing')),
  route TEXT, problem TEXT, attempts INTEGER NOT NULL, started_at INTEGER, retry_at INTEGER, drain_until INTEGER,
  FOREIGN KEY (env, app) REFERENCES deployments (env, app)
) STRICT;
INSERT INTO instances
  SELECT id, env, app, json_set(target, '$.policy.after', NULL), generation,
    state, route, problem, attempts, started_at, retry_at, drain_until
  FROM instances_before;

ALTER TABLE releases RENAME TO releases_before;
CREATE TABLE releases (
  id TEXT PRIMARY KEY, env TEXT NOT NULL REFERENCES environments (name),
  state TEXT NOT NULL CHECK (state IN ('forming', 'moving', 'held')),
  removal_hash TEXT, cause TEXT NOT NULL, since INTEGER NOT NULL
) STRICT;
INSERT INTO releases SELECT id, env, state, removal_hash, cause, 0 FROM releases_before;

DROP TABLE releases_before;
DROP TABLE instances_before;
DROP TABLE deployments_before;
DROP TABLE environments_before;
CREATE INDEX instances_by_deployment ON instances (env, app);

ALTER TABLE repos ADD COLUMN baseline TEXT;
-- What was there before previews were, has none before it moves.
UPDATE repos SET baseline = listing -> '$.branches' WHERE listing IS NOT NULL;
