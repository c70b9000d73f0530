#include "generators/template/keys.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "common/base/status_macros.h"
#include "generators/template/key_impl.h"
#include "generators/template/openssl_ptr.h"

namespace leidang::generators::gotmpl {

absl::Status OpensslFailed(absl::string_view what) {
  return absl::InternalError(absl::StrCat("OpenSSL cannot ", what));
}

namespace {

BnPtr FromBytes(const std::string& bytes) {
  return BnPtr(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                         static_cast<int>(bytes.size()), nullptr));
}

// A prime of exactly `bits` bits, the upper two set, with (prime - 1) prime to 65537.
BnPtr Prime(int bits, RandomStream* random, BN_CTX* ctx) {
  BnPtr candidate, minus_one(BN_new()), rest(BN_new());
  for (;;) {
    candidate = FromBytes(random->Bytes(static_cast<size_t>(bits / 8)));
    BN_set_bit(candidate.get(), bits - 1);
    BN_set_bit(candidate.get(), bits - 2);
    BN_set_bit(candidate.get(), 0);
    BN_sub(minus_one.get(), candidate.get(), BN_value_one());
    if (BN_mod_word(minus_one.get(), 65537) == 0) continue;
    if (BN_check_prime(candidate.get(), ctx, nullptr) == 1) return candidate;
  }
}

absl::StatusOr<PkeyPtr> FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  PkeyCtxPtr ctx(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || ctx == nullptr || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
      EVP_PKEY_fromdata(ctx.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return OpensslFailed("build a private key");
  }
  return PkeyPtr(key);
}

PrivateKey Wrap(PkeyPtr key) {
  auto impl = std::make_shared<PrivateKey::Impl>();
  impl->key = std::move(key);
  return PrivateKey(std::move(impl));
}

std::string Take(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<PrivateKey> PrivateKey::Rsa(int bits, RandomStream* random) {
  BnCtxPtr ctx(BN_CTX_new());
  BnPtr p = Prime(bits / 2, random, ctx.get()), q = Prime(bits / 2, random, ctx.get());
  if (BN_cmp(p.get(), q.get()) < 0) std::swap(p, q);
  BnPtr n(BN_new()), e(BN_new()), d(BN_new()), p1(BN_new()), q1(BN_new()), phi(BN_new()),
      dp(BN_new()), dq(BN_new()), qinv(BN_new());
  BN_mul(n.get(), p.get(), q.get(), ctx.get());
  BN_set_word(e.get(), 65537);
  BN_sub(p1.get(), p.get(), BN_value_one());
  BN_sub(q1.get(), q.get(), BN_value_one());
  BN_mul(phi.get(), p1.get(), q1.get(), ctx.get());
  if (BN_mod_inverse(d.get(), e.get(), phi.get(), ctx.get()) == nullptr ||
      BN_mod_inverse(qinv.get(), q.get(), p.get(), ctx.get()) == nullptr) {
    return OpensslFailed("compute an RSA key");
  }
  BN_mod(dp.get(), d.get(), p1.get(), ctx.get());
  BN_mod(dq.get(), d.get(), q1.get(), ctx.get());
  ParamBldPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_D, d.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_FACTOR1, p.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_FACTOR2, q.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv.get());
  ASSIGN_OR_RETURN(PkeyPtr key, FromParams("RSA", builder.get()));
  return Wrap(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::EcdsaP256(RandomStream* random) {
  BnCtxPtr ctx(BN_CTX_new());
  EcGroupPtr group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  BnPtr scalar;
  do {
    scalar = FromBytes(random->Bytes(32));
  } while (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group.get())) >= 0);
  EcPointPtr point(EC_POINT_new(group.get()));
  if (EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, ctx.get()) != 1) {
    return OpensslFailed("compute an EC key");
  }
  unsigned char encoded[65];
  const size_t size = EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                                         encoded, sizeof encoded, ctx.get());
  ParamBldPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get());
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded, size);
  ASSIGN_OR_RETURN(PkeyPtr key, FromParams("EC", builder.get()));
  return Wrap(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::Ed25519(RandomStream* random) {
  const std::string seed = random->Bytes(32);
  PkeyPtr key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(seed.data()), seed.size()));
  if (key == nullptr) return OpensslFailed("compute an Ed25519 key");
  return Wrap(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(absl::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) {
    return absl::InvalidArgumentError("no PEM data in input");
  }
  const std::string type = name;
  const unsigned char* cursor = data;
  PkeyPtr key;
  if (type == "PRIVATE KEY" || absl::EndsWith(type, " PRIVATE KEY")) {
    key.reset(d2i_AutoPrivateKey(nullptr, &cursor, size));
  }
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<size_t>(size));
  if (key != nullptr) return Wrap(std::move(key));
  if (type == "PRIVATE KEY")
    return absl::InvalidArgumentError("decoding PEM as PKCS#8: malformed key");
  if (!absl::EndsWith(type, " PRIVATE KEY")) {
    return absl::InvalidArgumentError(
        absl::StrCat("no private key data in PEM block of type ", type));
  }
  const absl::string_view kind = absl::StripSuffix(type, " PRIVATE KEY");
  if (kind == "RSA" || kind == "EC" || kind == "DSA") {
    return absl::InvalidArgumentError(
        absl::StrCat("parsing ", kind, " private key from PEM: malformed key"));
  }
  return absl::InvalidArgumentError(absl::StrCat("invalid private key type ", kind));
}

absl::StatusOr<std::string> PrivateKey::ToPem() const {
  BioPtr bio(BIO_new(BIO_s_mem()));
  const EVP_PKEY* key = impl_->key.get();
  const bool traditional = EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519;
  const int done =
      traditional ? PEM_write_bio_PrivateKey_traditional(bio.get(), key, nullptr, nullptr, 0,
                                                         nullptr, nullptr)
                  : PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  if (done != 1) return OpensslFailed("write a private key");
  return Take(bio.get());
}

namespace {

void AppendDerLength(size_t n, std::string* out) {
  if (n < 0x80) {
    out->push_back(static_cast<char>(n));
  } else if (n < 0x100) {
    out->push_back('\x81');
    out->push_back(static_cast<char>(n));
  } else {
    out->push_back('\x82');
    out->push_back(static_cast<char>(n >> 8));
    out->push_back(static_cast<char>(n & 0xff));
  }
}

std::string DerInteger(const BIGNUM* n) {
  std::string bytes(static_cast<size_t>(BN_num_bytes(n)), '\0');
  BN_bn2bin(n, reinterpret_cast<unsigned char*>(bytes.data()));
  if (bytes.empty() || (bytes[0] & 0x80) != 0) bytes.insert(0, 1, '\0');
  std::string out = "\x02";
  AppendDerLength(bytes.size(), &out);
  return out + bytes;
}

}  // namespace

absl::StatusOr<std::string> GenerateDsaPem(RandomStream* random) {
  BnCtxPtr ctx(BN_CTX_new());
  const BnPtr q = Prime(256, random, ctx.get());
  BnPtr p(BN_new()), two_q(BN_new()), rest(BN_new());
  BN_lshift1(two_q.get(), q.get());
  do {
    p = FromBytes(random->Bytes(256));
    BN_set_bit(p.get(), 2047);
    // The nearest number below that is 1 modulo 2q.
    BN_mod(rest.get(), p.get(), two_q.get(), ctx.get());
    BN_sub(p.get(), p.get(), rest.get());
    BN_add_word(p.get(), 1);
  } while (BN_num_bits(p.get()) != 2048 || BN_check_prime(p.get(), ctx.get(), nullptr) != 1);
  BnPtr e(BN_new()), g(BN_new()), h(BN_new()), x, y(BN_new());
  BN_sub(e.get(), p.get(), BN_value_one());
  BN_div(e.get(), nullptr, e.get(), q.get(), ctx.get());
  BN_set_word(h.get(), 2);
  BN_mod_exp(g.get(), h.get(), e.get(), p.get(), ctx.get());
  do {
    x = FromBytes(random->Bytes(32));
  } while (BN_is_zero(x.get()) || BN_cmp(x.get(), q.get()) >= 0);
  BN_mod_exp(y.get(), g.get(), x.get(), p.get(), ctx.get());
  BnPtr version(BN_new());
  BN_zero(version.get());
  std::string body;
  for (const BIGNUM* n : {version.get(), p.get(), q.get(), g.get(), y.get(), x.get()})
    body += DerInteger(n);
  std::string der = "\x30";
  AppendDerLength(body.size(), &der);
  der += body;
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio(bio.get(), "DSA PRIVATE KEY", "",
                    reinterpret_cast<const unsigned char*>(der.data()),
                    static_cast<long>(der.size())) == 0) {
    return OpensslFailed("write a private key");
  }
  return Take(bio.get());
}

}  // namespace leidang::generators::gotmpl
