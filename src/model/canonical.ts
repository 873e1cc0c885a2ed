import { createHash } from 'node:crypto';

/**
 * The one way to write a value as JSON (RFC 8785, JSON Canonicalization Scheme): keys sorted by UTF-16 code units, no white
 * space, numbers and strings as ECMAScript writes them. Keys whose value is `undefined` are left out. Throws a `TypeError`
 * for what JSON cannot say (NaN, infinities, functions, big integers) and for strings that are not well-formed Unicode.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`canonical JSON has no ${value}`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
      return canonicalObject(value as Record<string, unknown>);
    default:
      throw new TypeError(`canonical JSON has no ${typeof value}`);
  }
}

function canonicalString(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('canonical JSON has no lone surrogates');
  return JSON.stringify(value);
}

function canonicalObject(value: Record<string, unknown>): string {
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${canonicalString(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/** SHA-256 of a text (as UTF-8) or of bytes, as 64 lower-case hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The content address of a value: SHA-256 over its canonical JSON. Equal values have equal hashes, whatever their key order. */
export function hashOf(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}
