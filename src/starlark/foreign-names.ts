/** Arguments of `app()` that other Starlark app files know, with what to do instead. */
export const FOREIGN_ARGUMENTS: Readonly<Record<string, string>> = {
  dev: 'There is no dev mode: push a branch and look at its preview, or run the app on your machine.',
  stage_at:
    'Every app has a stage at a host of its own: use stage = True, stage = False, or a dict of what differs there.',
  bindings: 'Bindings to services do not exist yet: hand addresses to the app in params.',
  bind_perm: 'Bindings to services do not exist yet: hand addresses to the app in params.',
  sidecars: 'An app is one process or one container: declare the other one as an app of its own.',
  jobs: 'Scheduled jobs do not exist: run them inside the app, or from a scheduler that calls it.',
  config: 'Write the value into params or app_config, or load() it from a file below lib/.',
  env: 'Environment variables are params: params = {"NAME": "value"}.',
  environment: 'Environment variables are params: params = {"NAME": "value"}.',
  branch: 'The branch is git_branch.',
  commit: 'The commit is git_commit.',
  name: 'The name of an app is its id.',
  route: 'The route is the first argument, path.',
  domain: 'The domain is part of the path: app("wiki.example.com:/", …).',
  secrets: 'Secrets do not exist yet; params must not hold any.',
};

/** Functions that other Starlark app files know, with what to do instead. */
export const FOREIGN_FUNCTIONS: Readonly<Record<string, string>> = {
  config:
    'Write the value into the file, or load() it from a file below lib/: what runs depends on what is in git alone.',
  binding: 'Bindings to services do not exist yet: hand addresses to the app in params.',
  service: 'Services do not exist yet: hand addresses to the app in params.',
  getenv: 'Config cannot read the environment: what runs depends on what is in git alone.',
  glob: 'Config cannot read the tree: list the apps, or write a loop over a list.',
};
