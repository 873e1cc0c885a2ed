const VARIABLE = /\\.|\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-+][^{}]*)?\}/g;
const PARTS = /^\$\{?([A-Za-z_][A-Za-z0-9_]*)(?:(:?)([-+])([^{}]*))?\}?$/;

/** Fills in `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` as a Containerfile does; what has no value becomes empty. */
export function substitute(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(VARIABLE, (found) => (found.startsWith('\\') ? found.slice(1) : filledIn(found, variables)));
}

function filledIn(found: string, variables: ReadonlyMap<string, string>): string {
  const [, name = '', colon, operator, word = ''] = PARTS.exec(found) ?? [];
  const value = variables.get(name);
  const isSet = value !== undefined && (colon !== ':' || value !== '');
  if (operator === '+') return isSet ? substitute(word, variables) : '';
  if (operator === '-' && !isSet) return substitute(word, variables);
  return value ?? '';
}
