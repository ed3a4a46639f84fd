// Drives all three programs with nothing but their IDLs and @coral-xyz/anchor, then reads every account and every event back:
// node drive.mjs RPC_URL WS_URL IDL_FOLDER KEYS_FOLDER METER_ID → one JSON object on standard output.
import { createHash, createPrivateKey, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import anchor from "@coral-xyz/anchor";

const { AnchorProvider, BN, BorshCoder, Program, Wallet, web3, utils } = anchor;
const { ComputeBudgetProgram, Keypair, PublicKey, SystemProgram, Transaction, TransactionInstruction } = web3;
const [rpcUrl, wsUrl, idlFolder, keysFolder, meterId] = process.argv.slice(2);
const SOL = 1_000_000_000;
const TOKEN_2022 = new PublicKey("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
const ASSOCIATED = new PublicKey("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
const ED25519 = new PublicKey("Ed25519SigVerify111111111111111111111111111");
const NO_CAP = new BN("18446744073709551615");
const DISCRIMINATOR = 8;
const METER_OWNER = DISCRIMINATOR + 16; // behind the meter's id
const READING = { key: 0, signature: 32, statement: 96, statementLength: 64, size: 160 };

const connection = new web3.Connection(rpcUrl, { commitment: "confirmed", wsEndpoint: wsUrl });
const key = (role) => Keypair.fromSecretKey(Uint8Array.from(JSON.parse(readFileSync(join(keysFolder, `${role}.json`), "utf8"))));
const [payer, upgrade, authority, auditor, provisioner, attester] = ["payer-0", "upgrade", "authority", "auditor", "provisioner", "attester-0"].map(key);
const provider = new AnchorProvider(connection, new Wallet(payer), { commitment: "confirmed", preflightCommitment: "confirmed" });
const names = ["registry", "oracle", "energy_token"];
const [registry, oracle, token] = names.map((name) => new Program(JSON.parse(readFileSync(join(idlFolder, `${name}.json`), "utf8")), provider));

const u32 = (value) => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(value); return bytes; };
const u64 = (value) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(value)); return bytes; };
const pda = (program, ...seeds) => PublicKey.findProgramAddressSync(seeds.map((seed) => Buffer.from(seed)), program.programId)[0];
const sha256 = (...parts) => { const hash = createHash("sha256"); parts.forEach((part) => hash.update(part)); return hash.digest(); };
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const signed = (keypair, message) =>
  sign(null, message, createPrivateKey({ key: Buffer.concat([PKCS8, keypair.secretKey.slice(0, 32)]), format: "der", type: "pkcs8" }));

const genesisHash = utils.bytes.bs58.decode(await connection.getGenesisHash());
const network = sha256("gridtokenx-network", genesisHash, registry.programId.toBuffer()).subarray(0, 8);
const id = Buffer.alloc(16);
id.write(meterId);
const programData = (program) =>
  PublicKey.findProgramAddressSync([program.programId.toBuffer()], new PublicKey("BPFLoaderUpgradeab1e11111111111111111111111"))[0];
const mint = pda(token, "mint");
const tokenAccountOf = (wallet) => PublicKey.findProgramAddressSync([wallet.toBuffer(), TOKEN_2022.toBuffer(), mint.toBuffer()], ASSOCIATED)[0];
const zoneOf = (zone) => pda(registry, "zone", u32(zone));
const signatures = [];

async function send(instructions, ...signers) {
  const limit = ComputeBudgetProgram.setComputeUnitLimit({ units: 600_000 });
  const transaction = new Transaction().add(limit, ...(await Promise.all(instructions)));
  const signature = await provider.sendAndConfirm(transaction, signers);
  signatures.push(signature);
  return signature;
}

// The Ed25519 check of messages that lie in the data of the instruction directly behind it.
function check(index, places) {
  const head = Buffer.from([places.length, 0]);
  const entries = places.map(({ signature, key, message, length }) => {
    const entry = Buffer.alloc(14);
    [signature, index, key, index, message, length, index].forEach((value, place) => entry.writeUInt16LE(value, 2 * place));
    return entry;
  });
  return new TransactionInstruction({ programId: ED25519, keys: [], data: Buffer.concat([head, ...entries]) });
}

// What a program refused, by the name in its IDL. (Anchor's own translation gives up on messages that web3.js has put logs into.)
async function refusal(program, promise) {
  const said = await promise.then(() => "accepted", String);
  const code = /custom program error: 0x([0-9a-f]+)/.exec(said);
  return code === null ? said : program.rawIdl.errors.find((error) => error.code === parseInt(code[1], 16)).name;
}

// --- set up, unless somebody did ---------------------------------------------------------------------------------------------
if ((await connection.getAccountInfo(pda(registry, "config"))) === null) {
  const by = { payer: payer.publicKey, upgradeAuthority: upgrade.publicKey };
  const genesis = [...genesisHash];
  await send(
    [
      token.methods.initialize(authority.publicKey, "Grid Energy", "GRID", "").accountsPartial({ ...by, programData: programData(token) }).instruction(),
      registry.methods
        .initialize(genesis, authority.publicKey, provisioner.publicKey, auditor.publicKey, PublicKey.default, new BN(1_000_000), new BN(86_400), new BN(0))
        .accountsPartial(by)
        .instruction(),
    ],
    upgrade,
  );
  const attesters = [attester.publicKey, ...Array(7).fill(PublicKey.default)];
  await send(
    [
      oracle.methods.initialize(genesis, authority.publicKey, Array(32).fill(7)).accountsPartial(by).instruction(),
      oracle.methods.setAttesters(attesters, 1).accountsPartial({ authority: authority.publicKey }).instruction(),
      registry.methods
        .createZone(1, authority.publicKey, NO_CAP, new BN(86_400))
        .accountsPartial({ payer: payer.publicKey, authority: authority.publicKey, zone: zoneOf(1) })
        .instruction(),
    ],
    upgrade,
    authority,
  );
}
const repeated = await refusal(
  token,
  token.methods
    .initialize(authority.publicKey, "x", "X", "")
    .accountsPartial({ payer: payer.publicKey, upgradeAuthority: upgrade.publicKey })
    .signers([upgrade])
    .rpc(),
);

// --- settings: every one there and back -----------------------------------------------------------------------------------------
const before = await oracle.account.config.fetch(pda(oracle, "config"));
const limits = await registry.account.config.fetch(pda(registry, "config"));
const heir = Keypair.generate();
for (const program of [registry, oracle, token]) {
  await send(
    [
      program.methods.proposeAuthority(heir.publicKey).accountsPartial({ authority: authority.publicKey }).instruction(),
      program.methods.acceptAuthority().accountsPartial({ pendingAuthority: heir.publicKey }).instruction(),
      program.methods.proposeAuthority(authority.publicKey).accountsPartial({ authority: heir.publicKey }).instruction(),
      program.methods.acceptAuthority().accountsPartial({ pendingAuthority: authority.publicKey }).instruction(),
    ],
    authority,
    heir,
  );
}
const ofAuthority = { authority: authority.publicKey };
const zone = 1 + Number(BigInt(`0x${sha256(meterId).subarray(0, 3).toString("hex")}`));
await send(
  [
    registry.methods.setRoles(limits.provisioner, limits.auditor).accountsPartial({ ...ofAuthority, oldAuditor: null, newAuditor: null }).instruction(),
    registry.methods.setPaused(1).accountsPartial(ofAuthority).instruction(),
    registry.methods.setPaused(0).accountsPartial(ofAuthority).instruction(),
    oracle.methods.setPaused(1).accountsPartial(ofAuthority).instruction(),
    oracle.methods.setPaused(0).accountsPartial(ofAuthority).instruction(),
    oracle.methods.setRuleSet(before.ruleSetHash).accountsPartial(ofAuthority).instruction(),
    token.methods.setMintingEnabled(0).accountsPartial(ofAuthority).instruction(),
    token.methods.setMintingEnabled(1).accountsPartial(ofAuthority).instruction(),
  ],
  authority,
);
await send(
  [
    registry.methods
      .setCorrectionLimits(limits.correctionCapWh, limits.correctionWindowS, limits.correctionDelayS)
      .accountsPartial({ ...ofAuthority, auditor: auditor.publicKey })
      .instruction(),
    registry.methods.createZone(zone, authority.publicKey, NO_CAP, new BN(60)).accountsPartial({ payer: payer.publicKey, ...ofAuthority, zone: zoneOf(zone) }).instruction(),
    registry.methods.setZone(NO_CAP, new BN(61), heir.publicKey).accountsPartial({ zoneAuthority: authority.publicKey, authority: authority.publicKey, zone: zoneOf(zone) }).instruction(),
    registry.methods.acceptZoneAuthority().accountsPartial({ pendingAuthority: heir.publicKey, zone: zoneOf(zone) }).instruction(),
  ],
  authority,
  auditor,
  heir,
);

// --- an owner and his meter -----------------------------------------------------------------------------------------------------
const [owner, device] = [Keypair.generate(), Keypair.generate()];
const user = pda(registry, "user", owner.publicKey.toBuffer());
const meter = pda(registry, "meter", id);
const tokenAccount = tokenAccountOf(owner.publicKey);
await send(
  [
    SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: owner.publicKey, lamports: SOL / 10 }),
    registry.methods.registerUser(1).accountsPartial({ wallet: owner.publicKey, user, tokenAccount }).instruction(),
    registry.methods.verifyUser(1, 1).accountsPartial({ ...ofAuthority, user, zone: zoneOf(1) }).instruction(),
  ],
  owner,
  authority,
);
const now = (await connection.getBlockTime(await connection.getSlot("confirmed"))) - 60;
const bindingOf = (sequence, measuredAt, generation, consumption) => ({
  magic: [...Buffer.from("GTXBIND\x01", "latin1")],
  network: [...network],
  meterId: [...id],
  owner: owner.publicKey,
  sequence: new BN(sequence),
  measuredAt: new BN(measuredAt),
  baseGenerationWh: new BN(generation),
  baseConsumptionWh: new BN(consumption),
});
const binding = bindingOf(0, now - 7_200, 0, 0);
const bindingBytes = registry.coder.types.encode("binding", binding);
await send(
  [
    check(2, [{ signature: DISCRIMINATOR + bindingBytes.length, key: DISCRIMINATOR + bindingBytes.length + 64, message: DISCRIMINATOR, length: bindingBytes.length }]),
    registry.methods
      .registerMeter(binding, [...signed(device, bindingBytes)], device.publicKey, new BN(100_000), new BN(100_000), 1, 1, 1, 1)
      .accountsPartial({
        payer: payer.publicKey,
        owner: owner.publicKey,
        provisioner: provisioner.publicKey,
        user,
        zone: zoneOf(1),
        meter,
        device: pda(registry, "device", device.publicKey.toBuffer()),
      })
      .instruction(),
  ],
  owner,
  provisioner,
);

// --- readings, settlement, retirement -------------------------------------------------------------------------------------------
const writable = (pubkey) => ({ pubkey, isSigner: false, isWritable: true });
const readonly = (pubkey) => ({ pubkey, isSigner: false, isWritable: false });
const settlement = (zones) => [
  readonly(pda(registry, "authority")),
  readonly(token.programId),
  writable(pda(token, "config")),
  writable(mint),
  readonly(pda(token, "__event_authority")),
  readonly(TOKEN_2022),
  ...zones.map((number) => writable(zoneOf(number))),
];

async function submit(sequence, generation, consumption, settles) {
  const statement = Buffer.concat([Buffer.from("GTXREG\x00\x01", "latin1"), network, id, u64(sequence), u64(now - 3_600 + 600 * sequence), u64(generation), u64(consumption)]);
  const reading = {
    key: device.publicKey,
    signature: [...signed(device, statement)],
    statement: oracle.coder.types.decode("statement", statement),
  };
  const start = DISCRIMINATOR + 1 + 4; // zones, then the length of the list
  const place = { signature: start + READING.signature, key: start, message: start + READING.statement, length: READING.statementLength };
  const rest = settles ? [...settlement([1]), writable(meter), writable(tokenAccount)] : [writable(meter)];
  return send(
    [
      check(2, [place]),
      oracle.methods.submitMeterReading(settles ? 1 : 255, [reading]).accountsPartial({ submitter: attester.publicKey }).remainingAccounts(rest).instruction(),
    ],
    attester,
  );
}
const balance = async () => Number((await connection.getTokenAccountBalance(tokenAccount, "confirmed")).value.amount);

await submit(1, 5_000, 0, true);
const minted = await balance();
await submit(2, 8_000, 0, false);
const asOwner = registry.methods.settleAndMintTokens().accountsPartial({ owner: owner.publicKey, zone: zoneOf(1), meter, tokenAccount });
await send([asOwner.instruction()], owner);
const settledByOwner = await balance();
const twice = await refusal(registry, asOwner.signers([owner]).rpc());
await submit(3, 8_000, 1_000, false);
await send([registry.methods.settleMeterBalance(1).remainingAccounts([writable(zoneOf(1)), writable(meter), writable(tokenAccount)]).instruction()]);
const burned = await balance();
const unsettled = await registry.methods.getUnsettledBalance().accountsPartial({ meter }).simulate().then(() => "simulated", (error) => String(error));
await send([token.methods.retireTokens(new BN(1_000_000), "Ana", "green").accountsPartial({ holder: owner.publicKey, tokenAccount }).instruction()], owner);
const stranger = await refusal(
  oracle,
  oracle.methods.setPaused(1).accountsPartial({ authority: heir.publicKey }).signers([heir]).rpc(),
);

// --- corrections, status, keys --------------------------------------------------------------------------------------------------
const both = { ...ofAuthority, auditor: auditor.publicKey, meter };
const evidence = [...sha256("evidence")];
await send([registry.methods.recordCorrection(new BN(-10), 1, evidence).accountsPartial(both).instruction()], authority, auditor);
await send(
  [
    registry.methods.recordCorrection(new BN(10), 1, evidence).accountsPartial(both).instruction(),
    registry.methods.cancelCorrection().accountsPartial({ signer: auditor.publicKey, meter }).instruction(),
  ],
  authority,
  auditor,
);
const suspended = registry.methods.setMeterStatus(3).accountsPartial({ signer: authority.publicKey, auditor: null, meter });
await send([suspended.instruction()], authority);
const resumed = bindingOf(3, now, 8_000, 1_000);
const resumedBytes = registry.coder.types.encode("binding", resumed);
await send(
  [
    check(2, [{ signature: DISCRIMINATOR + resumedBytes.length, key: DISCRIMINATOR + resumedBytes.length + 64, message: DISCRIMINATOR, length: resumedBytes.length }]),
    registry.methods.resumeMeter(resumed, [...signed(device, resumedBytes)], device.publicKey).accountsPartial({ provisioner: provisioner.publicKey, meter }).instruction(),
  ],
  provisioner,
);
const revoked = registry.methods.revokeDeviceKey(device.publicKey);
const deviceAccount = pda(registry, "device", device.publicKey.toBuffer());
await send([revoked.accountsPartial({ signer: authority.publicKey, meter, device: deviceAccount }).instruction()], authority);

// --- what is there now, read by the IDLs alone ------------------------------------------------------------------------------------
async function events(program) {
  const coder = new BorshCoder(program.rawIdl);
  const authorityOfEvents = pda(program, "__event_authority");
  const seen = {};
  let undecoded = 0;
  for (let before; ; ) {
    const page = await connection.getSignaturesForAddress(authorityOfEvents, { before, limit: 100 }, "confirmed");
    for (const { signature, err } of page) {
      if (err !== null) continue;
      const found = await connection.getTransaction(signature, { commitment: "confirmed", maxSupportedTransactionVersion: 0 });
      const keys = found.transaction.message.getAccountKeys({ accountKeysFromLookups: found.meta.loadedAddresses });
      for (const call of (found.meta.innerInstructions ?? []).flatMap((group) => group.instructions)) {
        if (!keys.get(call.programIdIndex).equals(program.programId) || call.accounts.length !== 1) continue;
        if (!keys.get(call.accounts[0]).equals(authorityOfEvents)) continue;
        const event = coder.events.decode(utils.bytes.base64.encode(utils.bytes.bs58.decode(call.data).subarray(8)));
        if (event === null) undecoded += 1;
        else seen[event.name] = (seen[event.name] ?? 0) + 1;
      }
    }
    if (page.length < 100) break;
    before = page[page.length - 1].signature;
  }
  return { seen, undecoded };
}

const accountsOf = async (program) =>
  Object.fromEntries(
    await Promise.all(program.rawIdl.accounts.map(async ({ name }) => [name, (await program.account[name[0].toLowerCase() + name.slice(1)].all()).length])),
  );
const account = await registry.account.meter.fetch(meter);
const byOwner = await registry.account.meter.all([{ memcmp: { offset: METER_OWNER, bytes: owner.publicKey.toBase58() } }]);

const report = {
  repeated,
  minted,
  settledByOwner,
  twice,
  burned,
  unsettled,
  stranger,
  meter: {
    owner: account.owner.equals(owner.publicKey),
    generationWh: Number(account.creditedGenerationWh),
    settledNetWh: Number(account.settledNetWh),
  },
  byOwner: byOwner.map((row) => row.publicKey.equals(meter)),
  accounts: Object.fromEntries(await Promise.all([registry, oracle, token].map(async (program, index) => [names[index], await accountsOf(program)]))),
  events: Object.fromEntries(await Promise.all([registry, oracle, token].map(async (program, index) => [names[index], await events(program)]))),
  transactions: signatures.length,
};
console.log(JSON.stringify(report));
process.exit(0);
