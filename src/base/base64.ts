/** Base 64 as keys are written (RFC 4648 section 4), for layers that have no platform to ask. */
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Always padded: 32 bytes give 44 characters. */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += digits[group >> 18]! + digits[(group >> 12) & 63]!;
    text += left > 1 ? digits[(group >> 6) & 63]! : '=';
    text += left > 2 ? digits[group & 63]! : '=';
  }
  return text;
}
