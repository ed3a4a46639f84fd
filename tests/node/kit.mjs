// Drives a chain with @solana/kit: node kit.mjs RPC_URL WS_URL → one JSON object on standard output.
import {
  address,
  airdropFactory,
  appendTransactionMessageInstruction,
  assertIsTransactionWithBlockhashLifetime,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  createTransactionMessage,
  generateKeyPairSigner,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  isSolanaError,
  lamports,
  pipe,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
} from "@solana/kit";
import { getTransferSolInstruction } from "@solana-program/system";

const SOL = 1_000_000_000n;
const [rpcUrl, wsUrl] = process.argv.slice(2);
const rpc = createSolanaRpc(rpcUrl);
const rpcSubscriptions = createSolanaRpcSubscriptions(wsUrl);
const confirmed = { commitment: "confirmed" };

async function transferTransaction(source, destination, amount) {
  const { value: blockhash } = await rpc.getLatestBlockhash(confirmed).send();
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(source, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(blockhash, m),
    (m) => appendTransactionMessageInstruction(getTransferSolInstruction({ source, destination, amount }), m),
  );
  const transaction = await signTransactionMessageWithSigners(message);
  assertIsTransactionWithBlockhashLifetime(transaction);
  return transaction;
}

async function firstNotification(stream, stop) {
  for await (const notification of stream) {
    stop.abort();
    return notification;
  }
}

const [alice, bob] = await Promise.all([generateKeyPairSigner(), generateKeyPairSigner()]);
await airdropFactory({ rpc, rpcSubscriptions })({
  ...confirmed,
  recipientAddress: alice.address,
  lamports: lamports(5n * SOL),
});

const stop = new AbortController();
const accountStream = await rpcSubscriptions
  .accountNotifications(bob.address, { ...confirmed, encoding: "base64" })
  .subscribe({ abortSignal: stop.signal });
const heard = firstNotification(accountStream, stop);

const transaction = await transferTransaction(alice, bob.address, lamports(SOL));
await sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions })(transaction, confirmed);
const signature = getSignatureFromTransaction(transaction);
const notified = await heard;

let refusal = null;
try {
  const tooMuch = await transferTransaction(alice, bob.address, lamports(1_000_000n * SOL));
  await sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions })(tooMuch, confirmed);
} catch (error) {
  if (!isSolanaError(error, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE)) throw error;
  refusal = { cause: error.cause?.context?.code ?? String(error.cause), logs: error.context.logs, units: error.context.unitsConsumed };
}

const wire = getBase64EncodedWireTransaction(await transferTransaction(alice, bob.address, lamports(SOL)));
const simulation = await rpc.simulateTransaction(wire, { encoding: "base64", sigVerify: true, ...confirmed }).send();
const found = await rpc
  .getTransaction(signature, { ...confirmed, encoding: "json", maxSupportedTransactionVersion: 0 })
  .send();
const parsed = await rpc
  .getTransaction(signature, { ...confirmed, encoding: "jsonParsed", maxSupportedTransactionVersion: 0 })
  .send();
const block = await rpc.getBlock(found.slot, { ...confirmed, maxSupportedTransactionVersion: 0 }).send();
const history = await rpc.getSignaturesForAddress(bob.address, confirmed).send();
const account = await rpc.getAccountInfo(bob.address, { ...confirmed, encoding: "base64" }).send();
const compressed = await rpc
  .getAccountInfo(address("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"), { ...confirmed, encoding: "base64+zstd" })
  .send();
const owned = await rpc
  .getProgramAccounts(address("11111111111111111111111111111111"), { encoding: "base64", filters: [{ dataSize: 0n }] })
  .send();

const report = {
  genesisHash: await rpc.getGenesisHash().send(),
  version: (await rpc.getVersion().send())["solana-core"],
  epochSlots: (await rpc.getEpochInfo().send()).slotsInEpoch,
  rent: await rpc.getMinimumBalanceForRentExemption(165n).send(),
  balance: (await rpc.getBalance(bob.address, confirmed).send()).value,
  notifiedLamports: notified.value.lamports,
  refusal,
  simulation: { err: simulation.value.err, units: simulation.value.unitsConsumed },
  fee: found.meta.fee,
  transactionVersion: found.version,
  parsedType: parsed.transaction.message.instructions[0].parsed.type,
  blockHolds: block.transactions.some((entry) => entry.transaction.signatures[0] === signature),
  history: history.map((line) => line.signature === signature),
  accountOwner: account.value.owner,
  compressedHead: compressed.value.data[0].slice(0, 5),
  ownedCount: owned.length,
};
console.log(JSON.stringify(report, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
process.exit(0);
