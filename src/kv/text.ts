/** Which texts may be stored beside a value: those that an HTTP header can give back unchanged. */

const printableAscii = /^[\x20-\x7e]*$/;

/** True for at most `maxLength` characters of printable ASCII. */
export function isHeaderText(text: string, maxLength: number): boolean {
  return text.length <= maxLength && printableAscii.test(text);
}
