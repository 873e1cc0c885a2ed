/** A request that must never reach an upstream when it stands where a body or garbage is. */
export const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
