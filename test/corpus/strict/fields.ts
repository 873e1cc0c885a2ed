/** What a strict reader objects to, in words. Thrown by all parsers of this folder. */
export class Objection extends Error {
  override readonly name = 'Objection';
}

/** Name and value of each line, in order, as sent but for white space around the value. */
export type FieldLines = readonly (readonly [name: string, value: string])[];

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Reads field lines (RFC 9112, 5) without their last CRLF. Folded lines, white space before a colon and CR, LF or NUL in a value are
 * objected to; other control characters are not, RFC 9110, 5.5 lets recipients keep them.
 */
export function readFields(section: string): FieldLines {
  if (section === '') return [];
  return section.split('\r\n').map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!TOKEN.test(name))
      throw new Objection(`a field line without a proper name: ${JSON.stringify(line.slice(0, 60))}`);
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
    if (/[\r\n\0]/.test(value)) throw new Objection(`CR, LF or NUL in the value of ${name}`);
    return [name.toLowerCase(), value] as const;
  });
}

/** The values of all lines of a name. */
export function valuesOf(fields: FieldLines, name: string): string[] {
  return fields.filter(([candidate]) => candidate === name).map(([, value]) => value);
}

/** How a body ends, by RFC 9112, 6.3, as far as the fields alone say it. */
export type Framing = 'chunked' | 'unsaid' | { readonly length: number };

/** Reads the framing; whatever RFC 9112, 6 forbids a sender to send is objected to. */
export function readFraming(fields: FieldLines): Framing {
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length');
  if (codings.length > 0 && lengths.length > 0) throw new Objection('both Transfer-Encoding and Content-Length');
  if (codings.length > 1) throw new Objection('more than one Transfer-Encoding');
  if (lengths.length > 1) throw new Objection('more than one Content-Length');
  const [coding] = codings;
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw new Objection(`Transfer-Encoding ${JSON.stringify(coding)}`);
    return 'chunked';
  }
  const [length] = lengths;
  if (length === undefined) return 'unsaid';
  if (!/^0*[0-9]{1,15}$/.test(length)) throw new Objection(`Content-Length ${JSON.stringify(length)}`);
  return { length: Number(length) };
}
