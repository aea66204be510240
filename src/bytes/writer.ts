/** Writes binary records: a growing buffer with big-endian numbers. */

const encoder = new TextEncoder();
/** In characters. */
const shortLength = 64;

export class ByteWriter {
  private buffer: Uint8Array<ArrayBuffer>;
  private view: DataView;
  private length = 0;

  constructor(capacityBytes = 256) {
    this.buffer = new Uint8Array(capacityBytes);
    this.view = new DataView(this.buffer.buffer);
  }

  u8(value: number): this {
    this.reserve(1);
    this.view.setUint8(this.length, value);
    this.length += 1;
    return this;
  }

  u16(value: number): this {
    this.reserve(2);
    this.view.setUint16(this.length, value);
    this.length += 2;
    return this;
  }

  u32(value: number): this {
    this.reserve(4);
    this.view.setUint32(this.length, value);
    this.length += 4;
    return this;
  }

  /** A whole number from 0 to 2^53 - 1, in eight bytes. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a whole number below 2^53: ${value}`);
    this.reserve(8);
    this.view.setUint32(this.length, Math.floor(value / 0x1_0000_0000));
    this.view.setUint32(this.length + 4, value % 0x1_0000_0000);
    this.length += 8;
    return this;
  }

  /** Any number, in the eight bytes of IEEE 754. */
  f64(value: number): this {
    this.reserve(8);
    this.view.setFloat64(this.length, value);
    this.length += 8;
    return this;
  }

  /** A whole number of 64 bits with a sign. */
  i64(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`not a whole number of 64 bits: ${value}`);
    this.reserve(8);
    this.view.setBigInt64(this.length, value);
    this.length += 8;
    return this;
  }

  /** Bytes without their length. */
  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** Bytes after their length. */
  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** Text as UTF-8 after its length. */
  text(text: string): this {
    return text.length <= shortLength && this.ascii(text) ? this : this.bytes(encoder.encode(text));
  }

  /** All that was written, as a view: write no more after it. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  /** Names are short and plain, and written often: an encoder takes longer for one than this. False for any other text. */
  private ascii(text: string): boolean {
    this.reserve(4 + text.length);
    const at = this.length + 4;
    for (let position = 0; position < text.length; position += 1) {
      const code = text.charCodeAt(position);
      if (code >= 0x80) return false;
      this.buffer[at + position] = code;
    }
    this.view.setUint32(this.length, text.length);
    this.length = at + text.length;
    return true;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}
