/** Reads binary records written by `ByteWriter`, and refuses whatever is not one. */

/** The bytes are not a record of the expected shape. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Every method throws a `MalformedError` when the bytes end too early or hold a value out of range. */
export class ByteReader {
  private readonly data: Uint8Array;
  private readonly view: DataView;
  private offset = 0;

  constructor(data: Uint8Array) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2));
  }

  u32(): number {
    return this.view.getUint32(this.take(4));
  }

  /** A whole number from 0 to 2^53 - 1, from eight bytes. */
  u53(): number {
    const at = this.take(8);
    const high = this.view.getUint32(at);
    if (high >= 0x20_0000) throw new MalformedError("number of 2^53 or more");
    return high * 0x1_0000_0000 + this.view.getUint32(at + 4);
  }

  /** Any number, from the eight bytes of IEEE 754. */
  f64(): number {
    return this.view.getFloat64(this.take(8));
  }

  /** A whole number of 64 bits with a sign. */
  i64(): bigint {
    return this.view.getBigInt64(this.take(8));
  }

  /** `length` bytes, as a view. */
  raw(length: number): Uint8Array {
    const at = this.take(length);
    return this.data.subarray(at, at + length);
  }

  /** Bytes after their length, as a view. */
  bytes(): Uint8Array {
    return this.raw(this.u32());
  }

  /** UTF-8 text after its length. */
  text(): string {
    try {
      return decoder.decode(this.bytes());
    } catch (error) {
      if (error instanceof MalformedError) throw error;
      throw new MalformedError("text that is not UTF-8");
    }
  }

  get remaining(): number {
    return this.data.length - this.offset;
  }

  /** Refuses bytes left over. */
  end(): void {
    if (this.remaining !== 0) throw new MalformedError(`${this.remaining} bytes left over`);
  }

  private take(length: number): number {
    const at = this.offset;
    if (at + length > this.data.length) throw new MalformedError("record ends too early");
    this.offset = at + length;
    return at;
  }
}
