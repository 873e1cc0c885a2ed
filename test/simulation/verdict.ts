/** What was broken, in the order it was seen. */
export class Verdict {
  readonly violations: string[] = [];

  /** Notes a promise that was broken. */
  violation(text: string): void {
    this.violations.push(text);
  }

  /** Notes a promise that was broken unless it holds. */
  expect(holds: boolean, text: () => string): void {
    if (!holds) this.violation(text());
  }
}
