// Decodes accounts and events by the IDLs alone: node decode.mjs IDL_FOLDER, fed [[program, kind, name, base64], ...] → their fields in that order.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import anchor from "@coral-xyz/anchor";

const { BN, BorshCoder, web3 } = anchor;
const [idlFolder] = process.argv.slice(2);
const asked = JSON.parse(readFileSync(0, "utf8"));
const coders = {};
const coderOf = (program) => (coders[program] ??= new BorshCoder(JSON.parse(readFileSync(join(idlFolder, `${program}.json`), "utf8"))));

// Whole numbers as text, keys in base58, bytes in hexadecimal.
function plain(value) {
  if (value instanceof web3.PublicKey) return value.toBase58();
  if (BN.isBN(value) || typeof value === "number") return value.toString();
  if (Array.isArray(value)) return value.every((item) => typeof item === "number") ? Buffer.from(value).toString("hex") : value.map(plain);
  if (typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
  return value;
}

const decoded = asked.map(([program, kind, name, data]) => {
  if (kind === "account") return plain(coderOf(program).accounts.decode(name, Buffer.from(data, "base64")));
  const event = coderOf(program).events.decode(data);
  return event === null || event.name !== name ? null : plain(event.data);
});
console.log(JSON.stringify({ decoded }));
