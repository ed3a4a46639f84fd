// Initialises our programs and reads them back with nothing but their IDLs:
// node anchor_program.mjs RPC_URL IDL_FOLDER SECRET_KEY_JSON → one JSON object on standard output.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import anchor from "@coral-xyz/anchor";

const { AnchorProvider, BorshCoder, Program, Wallet, web3, utils } = anchor;
const [rpcUrl, idlFolder, secret] = process.argv.slice(2);
const connection = new web3.Connection(rpcUrl, "confirmed");
const wallet = new Wallet(web3.Keypair.fromSecretKey(Uint8Array.from(JSON.parse(secret))));
const provider = new AnchorProvider(connection, wallet, { commitment: "confirmed", preflightCommitment: "confirmed" });
const idl = (name) => JSON.parse(readFileSync(join(idlFolder, `${name}.json`), "utf8"));
const programs = Object.fromEntries(["energy_token", "oracle"].map((name) => [name, new Program(idl(name), provider)]));
const genesisHash = [...utils.bytes.bs58.decode(await connection.getGenesisHash())];
const signers = { payer: wallet.publicKey, upgradeAuthority: wallet.publicKey };

const argumentsOf = {
  oracle: [genesisHash, wallet.publicKey, Array(32).fill(7)],
  energy_token: [wallet.publicKey, "Grid Energy", "GTX", "https://example.org/token.json"],
};

async function initialise(name) {
  const program = programs[name];
  const signature = await program.methods.initialize(...argumentsOf[name]).accountsPartial(signers).rpc();
  const found = await connection.getTransaction(signature, { commitment: "confirmed", maxSupportedTransactionVersion: 0 });
  const calls = found.meta.innerInstructions.flatMap((group) => group.instructions);
  const events = calls
    .map((call) => utils.bytes.bs58.decode(call.data))
    .filter((data) => data.length > 16)
    .map((data) => new BorshCoder(program.idl).events.decode(utils.bytes.base64.encode(data.subarray(8))))
    .filter(Boolean);
  const config = (await program.account.config.all())[0];
  return { authority: config.account.authority.equals(wallet.publicKey), events: events.map((event) => event.name) };
}

const report = {};
for (const name of Object.keys(programs)) report[name] = await initialise(name);
report.repeated = await programs.oracle.methods
  .initialize(...argumentsOf.oracle)
  .accountsPartial(signers)
  .rpc()
  .then(() => "accepted", (error) => error.error?.errorCode?.code ?? error.constructor.name);
console.log(JSON.stringify(report));
process.exit(0);
