/** Base64, as the routes know it. */

export { decodeBase64Url, encodeBase64, encodeBase64Url } from "../bytes/base64.ts";
