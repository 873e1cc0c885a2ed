const MAX_LINE = 1024 * 1024;

/**
 * Cuts a stream of text into lines and calls `onObject` for each JSON object, in order. A line that is too long or no JSON
 * object calls `onFault` once, and nothing after it: the other side is not what we think it is.
 */
export function jsonLines(
  onObject: (object: Record<string, unknown>) => void,
  onFault: () => void,
): (chunk: string) => void {
  let rest = '';
  let isBroken = false;
  const fail = () => {
    isBroken = true;
    onFault();
  };
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (isBroken) return;
      const object = parseObject(line);
      if (object === undefined) fail();
      else onObject(object);
    }
    if (rest.length > MAX_LINE && !isBroken) fail();
  };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
