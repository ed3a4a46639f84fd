// Sends an instruction of each program with @solana/kit, addresses and discriminators taken from the IDLs, on a chain that is set up:
// node kit_drive.mjs RPC_URL WS_URL IDL_FOLDER KEYS_FOLDER METER_ID → one JSON object on standard output.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AccountRole,
  address,
  appendTransactionMessageInstructions,
  assertIsTransactionWithBlockhashLifetime,
  compressTransactionMessageUsingAddressLookupTables,
  createKeyPairSignerFromBytes,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  createTransactionMessage,
  generateKeyPairSigner,
  getAddressDecoder,
  getAddressEncoder,
  getProgramDerivedAddress,
  getSignatureFromTransaction,
  lamports,
  pipe,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signBytes,
  signTransactionMessageWithSigners,
} from "@solana/kit";
import { getTransferSolInstruction } from "@solana-program/system";

const [rpcUrl, wsUrl, idlFolder, keysFolder, meterId] = process.argv.slice(2);
const confirmed = { commitment: "confirmed" };
const SYSTEM = address("11111111111111111111111111111111");
const TABLES = address("AddressLookupTab1e1111111111111111111111111");
const BUDGET = address("ComputeBudget111111111111111111111111111111");
const ED25519 = address("Ed25519SigVerify111111111111111111111111111");
const ASSOCIATED = address("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
const CREDIT_AND_SETTLE_ONE_ZONE = 1;
const [DISCRIMINATOR, KEY, SIGNATURE, STATEMENT] = [8, 32, 64, 64];
const METER_OWNER = DISCRIMINATOR + 16;
const PACKET = 1_232;

const rpc = createSolanaRpc(rpcUrl);
const confirm = sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions: createSolanaRpcSubscriptions(wsUrl) });
const idls = Object.fromEntries(["registry", "oracle", "energy_token"].map((name) => [name, JSON.parse(readFileSync(join(idlFolder, `${name}.json`), "utf8"))]));
const idOf = (name) => address(idls[name].address);
const key = (role) => createKeyPairSignerFromBytes(Uint8Array.from(JSON.parse(readFileSync(join(keysFolder, `${role}.json`), "utf8"))));
const [payer, authority, provisioner, attester] = await Promise.all(["payer-0", "authority", "provisioner", "attester-0"].map(key));
const [owner, device] = await Promise.all([generateKeyPairSigner(), generateKeyPairSigner()]);

const bytesOf = (text) => Buffer.from(getAddressEncoder().encode(text));
const u32 = (value) => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(value); return bytes; };
const u64 = (value) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(value)); return bytes; };
const text = (value) => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
const sha256 = (...parts) => { const hash = createHash("sha256"); parts.forEach((part) => hash.update(part)); return hash.digest(); };
const pda = async (programAddress, ...seeds) => (await getProgramDerivedAddress({ programAddress, seeds }))[0];

// An instruction by its IDL: fixed accounts come from there, the others by name.
function call(program, name, data, given, remaining = []) {
  const described = idls[program].instructions.find((instruction) => instruction.name === name);
  const accounts = described.accounts.map((account) => {
    const found = given[account.name] ?? address(account.address);
    const isSigner = typeof found !== "string";
    const role = (isSigner ? 2 : 0) + (account.writable ? 1 : 0);
    return isSigner ? { address: found.address, role, signer: found } : { address: found, role };
  });
  return { programAddress: idOf(program), accounts: [...accounts, ...remaining], data: Buffer.concat([Buffer.from(described.discriminator), data]) };
}

const limit = { programAddress: BUDGET, data: Buffer.concat([Buffer.from([2]), u32(400_000)]) };
const writable = (found) => ({ address: found, role: AccountRole.WRITABLE });
const readonly = (found) => ({ address: found, role: AccountRole.READONLY });

// The Ed25519 check of one signed message in the data of instruction `index`.
function check(index, signature, publicKey, message, length) {
  const entry = Buffer.alloc(16);
  entry.writeUInt8(1);
  [signature, index, publicKey, index, message, length, index].forEach((value, place) => entry.writeUInt16LE(value, 2 + 2 * place));
  return { programAddress: ED25519, data: entry };
}

async function send(instructions, feePayer = payer, tables = {}) {
  const { value: blockhash } = await rpc.getLatestBlockhash(confirmed).send();
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(feePayer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(blockhash, m),
    (m) => appendTransactionMessageInstructions(instructions, m),
    (m) => compressTransactionMessageUsingAddressLookupTables(m, tables),
  );
  const transaction = await signTransactionMessageWithSigners(message);
  assertIsTransactionWithBlockhashLifetime(transaction);
  await confirm(transaction, confirmed);
  const size = 1 + 64 * Object.keys(transaction.signatures).length + transaction.messageBytes.length;
  return { signature: getSignatureFromTransaction(transaction), size };
}

const genesis = Buffer.from(getAddressEncoder().encode(address(await rpc.getGenesisHash().send())));
const network = sha256("gridtokenx-network", genesis, bytesOf(idOf("registry"))).subarray(0, 8);
const id = Buffer.alloc(16);
id.write(meterId);
const fixed = (program, name, account) => address(idls[program].instructions.find((one) => one.name === name).accounts.find((one) => one.name === account).address);
const mint = fixed("registry", "register_user", "mint");
const tokenProgram = fixed("registry", "register_user", "token_program");
const [user, meter, zone, deviceAccount, tokenAccount] = await Promise.all([
  pda(idOf("registry"), "user", bytesOf(owner.address)),
  pda(idOf("registry"), "meter", id),
  pda(idOf("registry"), "zone", u32(1)),
  pda(idOf("registry"), "device", bytesOf(device.address)),
  pda(ASSOCIATED, bytesOf(owner.address), bytesOf(tokenProgram), bytesOf(mint)),
]);

// --- registry: an owner and his meter, bound by its own signature -----------------------------------------------------------------
await send([
  limit,
  getTransferSolInstruction({ source: payer, destination: owner.address, amount: lamports(100_000_000n) }),
  call("registry", "register_user", Buffer.from([1]), { wallet: owner, user, token_account: tokenAccount }),
  call("registry", "verify_user", Buffer.concat([u32(1), Buffer.from([1])]), { authority, user, zone }),
]);
const slot = await rpc.getSlot(confirmed).send();
const now = Number(await rpc.getBlockTime(slot).send()) - 60;
const binding = Buffer.concat([Buffer.from("GTXBIND\x01", "latin1"), network, id, bytesOf(owner.address), u64(0), u64(now - 7_200), u64(0), u64(0)]);
const boundBy = Buffer.from(await signBytes(device.keyPair.privateKey, binding));
const plate = Buffer.concat([u64(100_000), u64(100_000), u32(1), Buffer.from([1, 1, 1])]);
const afterBinding = DISCRIMINATOR + binding.length;
await send([
  limit,
  check(2, afterBinding, afterBinding + SIGNATURE, DISCRIMINATOR, binding.length),
  call("registry", "register_meter", Buffer.concat([binding, boundBy, bytesOf(device.address), plate]), {
    payer,
    owner,
    provisioner,
    user,
    zone,
    meter,
    device: deviceAccount,
  }),
]);

// --- a lookup table of what a submission names, usable from the next slot on ---------------------------------------------------------
const recent = await rpc.getSlot({ commitment: "finalized" }).send();
const [table, bump] = await getProgramDerivedAddress({ programAddress: TABLES, seeds: [bytesOf(payer.address), u64(recent)] });
const settlement = [
  readonly(await pda(idOf("registry"), "authority")),
  readonly(idOf("energy_token")),
  writable(await pda(idOf("energy_token"), "config")),
  writable(mint),
  readonly(await pda(idOf("energy_token"), "__event_authority")),
  readonly(tokenProgram),
  writable(zone),
  writable(meter),
  writable(tokenAccount),
];
const statement = Buffer.concat([Buffer.from("GTXREG\x00\x01", "latin1"), network, id, u64(1), u64(now), u64(3_000), u64(0)]);
const start = DISCRIMINATOR + 1 + 4;
const proven = call(
  "oracle",
  "submit_meter_reading",
  Buffer.concat([
    Buffer.from([CREDIT_AND_SETTLE_ONE_ZONE]),
    u32(1),
    bytesOf(device.address),
    Buffer.from(await signBytes(device.keyPair.privateKey, statement)),
    statement,
  ]),
  { submitter: attester },
  settlement,
);
const listed = [...new Set(proven.accounts.filter((account) => !("signer" in account)).map((account) => account.address))];
const payerMeta = { address: payer.address, role: AccountRole.WRITABLE_SIGNER, signer: payer };
await send([
  {
    programAddress: TABLES,
    accounts: [writable(table), { ...payerMeta, role: AccountRole.READONLY_SIGNER }, payerMeta, readonly(SYSTEM)],
    data: Buffer.concat([u32(0), u64(recent), Buffer.from([bump])]),
  },
  {
    programAddress: TABLES,
    accounts: [writable(table), { ...payerMeta, role: AccountRole.READONLY_SIGNER }, payerMeta, readonly(SYSTEM)],
    data: Buffer.concat([u32(2), u64(listed.length), ...listed.map(bytesOf)]),
  },
]);
const extendedAt = await rpc.getSlot(confirmed).send();
while ((await rpc.getSlot(confirmed).send()) <= extendedAt + 1n) await new Promise((resolve) => setTimeout(resolve, 50));

// --- oracle: the device's own signature, checked in the same transaction -------------------------------------------------------------
const proof = check(2, start + KEY, start, start + KEY + SIGNATURE, STATEMENT);
const submitted = await send([limit, proof, proven], attester, { [table]: listed });
const landed = await rpc.getTransaction(submitted.signature, { ...confirmed, encoding: "json", maxSupportedTransactionVersion: 0 }).send();

// --- energy_token: the owner retires some of it ---------------------------------------------------------------------------------------
const balance = async () => Number((await rpc.getTokenAccountBalance(tokenAccount, confirmed).send()).value.amount);
const minted = await balance();
await send([
  limit,
  call("energy_token", "retire_tokens", Buffer.concat([u64(1_000_000_000), text("Ana"), text("green")]), {
    holder: owner,
    token_account: tokenAccount,
  }),
]);

const discriminatorOf = (program, name) => Buffer.from(idls[program].accounts.find((account) => account.name === name).discriminator).toString("base64");
const filters = [
  { memcmp: { offset: 0n, bytes: discriminatorOf("registry", "Meter"), encoding: "base64" } },
  { memcmp: { offset: BigInt(METER_OWNER), bytes: owner.address, encoding: "base58" } },
];
const found = await rpc.getProgramAccounts(idOf("registry"), { ...confirmed, encoding: "base64", filters }).send();
const data = Buffer.from(found[0].account.data[0], "base64");
const bySize = await rpc
  .getProgramAccounts(idOf("registry"), { ...confirmed, encoding: "base64", dataSlice: { offset: 0, length: 0 }, filters: [{ dataSize: BigInt(data.length) }] })
  .send();

const report = {
  minted,
  left: await balance(),
  size: submitted.size,
  fits: submitted.size <= PACKET,
  lookedUp: landed.meta.loadedAddresses.writable.length + landed.meta.loadedAddresses.readonly.length,
  units: Number(landed.meta.computeUnitsConsumed),
  found: found.map((row) => row.pubkey === meter),
  ownerRead: getAddressDecoder().decode(data.subarray(METER_OWNER, METER_OWNER + KEY)) === owner.address,
  metersBySize: bySize.length,
};
console.log(JSON.stringify(report));
process.exit(0);
