// Drives a chain with @coral-xyz/anchor: node anchor.mjs RPC_URL → one JSON object on standard output.
import anchor from "@coral-xyz/anchor";

const { AnchorProvider, Wallet, web3, BorshCoder, Program } = anchor;
const SOL = 1_000_000_000;
const [rpcUrl] = process.argv.slice(2);
const connection = new web3.Connection(rpcUrl, "confirmed"); // takes the WebSocket from the next port by itself
const wallet = new Wallet(web3.Keypair.generate());
const provider = new AnchorProvider(connection, wallet, { commitment: "confirmed", preflightCommitment: "confirmed" });
const bob = web3.Keypair.generate().publicKey;

const airdrop = await connection.requestAirdrop(wallet.publicKey, 5 * SOL);
const latest = await connection.getLatestBlockhash();
await connection.confirmTransaction({ signature: airdrop, ...latest }, "confirmed");

const heard = new Promise((resolve) => connection.onAccountChange(bob, (account) => resolve(account.lamports), "confirmed"));
const logged = new Promise((resolve) => connection.onLogs(bob, (logs) => resolve(logs.logs), "confirmed"));
await new Promise((resolve) => setTimeout(resolve, 300)); // web3.js opens its socket lazily and does not say when

const pay = (amount) =>
  new web3.Transaction().add(web3.SystemProgram.transfer({ fromPubkey: wallet.publicKey, toPubkey: bob, lamports: amount }));
const signature = await provider.sendAndConfirm(pay(SOL));

let refusal = null;
try {
  await provider.sendAndConfirm(pay(1_000_000 * SOL));
} catch (error) {
  refusal = { name: error.constructor.name, logs: error.logs };
}

const simulated = await provider.simulate(pay(SOL));
const found = await connection.getTransaction(signature, { commitment: "confirmed", maxSupportedTransactionVersion: 0 });
const parsed = await connection.getParsedTransaction(signature, { commitment: "confirmed", maxSupportedTransactionVersion: 0 });
const block = await connection.getBlock(found.slot, { commitment: "confirmed", maxSupportedTransactionVersion: 0 });
const slot = await connection.getSlot("confirmed");
const [createTable, table] = web3.AddressLookupTableProgram.createLookupTable({
  authority: wallet.publicKey,
  payer: wallet.publicKey,
  recentSlot: slot,
});
const extendTable = web3.AddressLookupTableProgram.extendLookupTable({
  lookupTable: table,
  authority: wallet.publicKey,
  payer: wallet.publicKey,
  addresses: [bob],
});
await provider.sendAndConfirm(new web3.Transaction().add(createTable, extendTable));
const tableAccount = (await connection.getAddressLookupTable(table)).value;

const report = {
  genesisHash: await connection.getGenesisHash(),
  version: (await connection.getVersion())["solana-core"],
  balance: await connection.getBalance(bob),
  heard: await heard,
  logged: (await logged).length,
  refusal,
  simulatedLogs: simulated.logs?.length ?? 0,
  fee: found.meta.fee,
  parsedType: parsed.transaction.message.instructions[0].parsed.type,
  blockHolds: block.transactions.some((entry) => entry.transaction.signatures[0] === signature),
  tableAddresses: tableAccount.state.addresses.map((key) => key.equals(bob)),
  rent: await connection.getMinimumBalanceForRentExemption(165),
  history: (await connection.getSignaturesForAddress(bob)).map((line) => line.signature === signature),
  programAccounts: (await connection.getProgramAccounts(web3.SystemProgram.programId, { filters: [{ dataSize: 0 }] })).length,
  readsIdls: typeof BorshCoder === "function" && typeof Program === "function",
};
console.log(JSON.stringify(report));
process.exit(0);
