/** Whether one of the entity tags of an If-None-Match is this one, or it is `*` (weak comparison, RFC 9110, 13.1.2). */
export function matchesWeakly(header: string, tag: string): boolean {
  return header === tag || elements(header).some((part) => part === '*' || part.replace(/^W\//, '') === tag);
}

/** The same for If-Match: a weak tag never matches (strong comparison, RFC 9110, 13.1.1). */
export function matchesStrongly(header: string, tag: string): boolean {
  return header === tag || elements(header).some((part) => part === '*' || part === tag);
}

// Our tags hold no comma, so one inside a foreign tag only cuts what doesn't match anyway.
function elements(header: string): string[] {
  return header.split(',').map((part) => part.trim());
}
