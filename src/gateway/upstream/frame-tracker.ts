const FINAL = 0x80;
const MASKED = 0x80;
const OPCODE = 0x0f;
const CLOSE = 0x8;
const LONGEST_HEAD = 14;

/** Where in the frames of one direction of a WebSocket its bytes stand (RFC 6455, 5.2). Nothing is copied but heads that come in parts. */
export class FrameTracker {
  readonly #head = Buffer.alloc(LONGEST_HEAD);
  #headBytes = 0;
  #left = 0;
  #isFragmented = false;
  #hasClosed = false;
  #isControl = false;
  #sawMessage = false;

  /** Whether the last byte was the last one of a frame: another frame may follow. */
  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#headBytes === 0;
  }

  /** Whether no message is under way either. */
  get isBetweenMessages(): boolean {
    return this.isBetweenFrames && !this.#isFragmented;
  }

  /** Whether a close frame has begun: nothing may follow it. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** Whether anything of a message came since this was last asked: pings and the like are none. */
  takeSawMessage(): boolean {
    const saw = this.#sawMessage;
    this.#sawMessage = false;
    return saw;
  }

  /** Takes all of the bytes. */
  track(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
  }

  /** Takes the bytes up to where the message ends that is under way, and says how many those were; -1: all, and it goes on. */
  trackMessage(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      at = this.#step(bytes, at);
      if (this.isBetweenMessages) return at;
    }
    return -1;
  }

  #step(bytes: Buffer, at: number): number {
    if (this.#left > 0) {
      const taken = Math.min(this.#left, bytes.length - at);
      this.#left -= taken;
      if (!this.#isControl) this.#sawMessage = true;
      return at + taken;
    }
    this.#head[this.#headBytes] = bytes[at] ?? 0;
    this.#headBytes += 1;
    if (this.#headBytes >= 2 && this.#headBytes === this.#headLength()) this.#begin();
    return at + 1;
  }

  #headLength(): number {
    const second = this.#head[1] ?? 0;
    const size = second & 0x7f;
    const extended = size === 126 ? 2 : size === 127 ? 8 : 0;
    return 2 + extended + ((second & MASKED) === 0 ? 0 : 4);
  }

  #begin(): void {
    const first = this.#head[0] ?? 0;
    const size = (this.#head[1] ?? 0) & 0x7f;
    this.#left =
      size === 126 ? this.#head.readUInt16BE(2) : size === 127 ? Number(this.#head.readBigUInt64BE(2)) : size;
    this.#headBytes = 0;
    const opcode = first & OPCODE;
    this.#isControl = opcode >= CLOSE;
    if (!this.#isControl) this.#sawMessage = true;
    if (opcode === CLOSE) this.#hasClosed = true;
    // Control frames may come between the fragments of a message.
    else if (opcode < CLOSE) this.#isFragmented = (first & FINAL) === 0;
  }
}
