/** Names that nothing else has. */

/** 64 random bits as hexadecimal digits. */
export function drawId(random: () => number): string {
  const part = (): string =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  return part() + part();
}
