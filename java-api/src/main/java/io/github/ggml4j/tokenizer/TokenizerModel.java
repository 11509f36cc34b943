package io.github.ggml4j.tokenizer;

import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a tokenizer. {@link TokenizerBuilder} makes and checks them.
 *
 * @param decoded the bytes of each token by id; empty for an id without a token
 * @param spelled each token as its file spells it, empty for an id without a token; null if all
 *     tokens are spelled bytes
 * @param lefts id of the left half of each merge, by rank
 * @param rights id of the right half of each merge, by rank
 * @param bpe encodes single words
 * @param added the added tokens by id
 * @param bosId id of the beginning of text, or -1
 * @param eosId id of the end of text, or -1
 * @param padId id of the padding token, or -1
 * @param addedOnly ids of the added tokens that the vocabulary lacks
 * @param settings how text is treated before and after BPE
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record TokenizerModel(
    byte[][] decoded,
    String @Nullable [] spelled,
    int[] lefts,
    int[] rights,
    Bpe bpe,
    List<AddedToken> added,
    int bosId,
    int eosId,
    int padId,
    BitSet addedOnly,
    TokenizerSettings settings) {
  static final byte[] NO_BYTES = {};

  /** The number of ids, those without a token included. */
  int size() {
    return decoded.length;
  }

  TokenizerModel withPadId(int id) {
    return new TokenizerModel(
        decoded, spelled, lefts, rights, bpe, added, bosId, eosId, id, addedOnly, settings);
  }

  TokenizerModel withSettings(TokenizerSettings other) {
    return new TokenizerModel(
        decoded, spelled, lefts, rights, bpe, added, bosId, eosId, padId, addedOnly, other);
  }

  byte[] bytes(int id) {
    return decoded[id];
  }

  /** The token of an id, spelled as in its file; empty for an id without a token. */
  String token(int id) {
    return spelled == null ? ByteLevel.spell(decoded[id]) : spelled[id];
  }

  boolean hasToken(int id) {
    return id >= 0 && id < decoded.length && !token(id).isEmpty();
  }

  String merge(int rank) {
    return token(lefts[rank]) + " " + token(rights[rank]);
  }
}
