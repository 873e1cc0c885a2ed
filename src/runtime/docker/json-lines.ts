/** The longest line that is read; an engine sends none that is near it. */
const MOST_CHARACTERS = 8 * 1024 ** 2;

/** The JSON values of a stream that has one on each line. Lines that are no JSON are left out. */
export async function* jsonLines<T>(stream: NodeJS.ReadableStream): AsyncGenerator<T, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MOST_CHARACTERS) throw new Error('the engine sent a line without end');
    yield* lines.flatMap((line) => parsed<T>(line));
  }
  yield* parsed<T>(rest);
}

function parsed<T>(line: string): T[] {
  if (line.trim() === '') return [];
  try {
    return [JSON.parse(line) as T];
  } catch {
    return [];
  }
}
