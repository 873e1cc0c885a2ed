const WORTH_BYTES = 16_384;

/**
 * Gives the memory of bytes back that nobody will look at again, now and not when the garbage collector comes by: it does so only
 * after some 64 MiB of them, which is what a stream would take otherwise. Bytes that share their memory are left alone.
 */
export function giveBack(bytes: Buffer): void {
  const { buffer } = bytes;
  const isOwn = bytes.length >= WORTH_BYTES && buffer.byteLength === bytes.length;
  if (isOwn && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
