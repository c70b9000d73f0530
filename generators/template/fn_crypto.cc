// Passwords, encryption, keys and certificates.

#include <crypt.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/status_macros.h"
#include "generators/template/base_n.h"
#include "generators/template/boxes.h"
#include "generators/template/fmt.h"
#include "generators/template/function_sets.h"
#include "generators/template/keys.h"

namespace leidang::generators::gotmpl {
namespace {

// Steps charged for what takes long: about one for 0.1 µs.
constexpr uint64_t kBcryptSteps = 500'000;
constexpr uint64_t kScryptSteps = 2'000'000;
constexpr uint64_t kSmallKeySteps = 100'000;
constexpr uint64_t kRsa2048Steps = 2'000'000;
constexpr uint64_t kRsa4096Steps = 5'000'000;

const unsigned char* Bytes(absl::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

// --- Passwords.

// bcrypt's own base64: another alphabet, no padding.
std::string BcryptBase64(const std::string& bytes) {
  constexpr absl::string_view kAlphabet =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  for (size_t bit = 0; bit < bytes.size() * 8; bit += 6) {
    unsigned v = 0;
    for (size_t i = bit; i < bit + 6; ++i) {
      const unsigned b =
          i < bytes.size() * 8 ? static_cast<unsigned char>(bytes[i / 8]) >> (7 - i % 8) & 1u : 0u;
      v = v << 1 | b;
    }
    out.push_back(kAlphabet[v]);
  }
  return out;
}

absl::StatusOr<std::string> BcryptText(Call& call, absl::string_view password) {
  if (!call.budget().Charge(kBcryptSteps)) return call.budget().StepsError();
  if (password.size() > 72) {
    return std::string(
        "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes");
  }
  if (absl::StrContains(password, absl::string_view("\0", 1))) {
    return std::string("failed to encrypt string with bcrypt: the password holds a NUL byte");
  }
  const std::string setting =
      absl::StrCat("$2a$10$", BcryptBase64(RandomStream(&call.context()).Bytes(16)));
  crypt_data data = {};
  const char* hash = crypt_r(std::string(password).c_str(), setting.c_str(), &data);
  if (hash == nullptr || hash[0] == '*') return absl::InternalError("the bcrypt function failed");
  return std::string(hash);
}

absl::Status Bcrypt(Call& call) {
  ASSIGN_OR_RETURN(const std::string hash, BcryptText(call, call.Text(0)));
  return call.ReturnText(hash);
}

absl::Status Htpasswd(Call& call) {
  if (absl::StrContains(call.Text(0), ':')) {
    return call.ReturnText(absl::StrCat("invalid username: ", call.Text(0)));
  }
  ASSIGN_OR_RETURN(const std::string hash, BcryptText(call, call.Text(1)));
  return call.ReturnText(absl::StrCat(call.Text(0), ":", hash));
}

// The shapes of the passwords of the Master Password algorithm; each letter is a class of
// characters.
std::vector<absl::string_view> PasswordShapes(absl::string_view type) {
  if (type == "maximum") return {"anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"};
  if (type == "long") {
    return {"CvcvnoCvcvCvcv", "CvcvCvcvnoCvcv", "CvcvCvcvCvcvno", "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv", "CvccCvcvCvcvno", "CvcvnoCvccCvcv", "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno", "CvcvnoCvcvCvcc", "CvcvCvcvnoCvcc", "CvcvCvcvCvccno",
            "CvccnoCvccCvcv", "CvccCvccnoCvcv", "CvccCvccCvcvno", "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc", "CvcvCvccCvccno", "CvccnoCvcvCvcc", "CvccCvcvnoCvcc",
            "CvccCvcvCvccno"};
  }
  if (type == "medium") return {"CvcnoCvc", "CvcCvcno"};
  if (type == "short") return {"Cvcn"};
  if (type == "basic") return {"aaanaaan", "aannaaan", "aaannaaa"};
  if (type == "pin") return {"nnnn"};
  return {};
}

absl::string_view PasswordChars(char shape) {
  switch (shape) {
    case 'V':
      return "AEIOU";
    case 'C':
      return "BCDFGHJKLMNPQRSTVWXYZ";
    case 'v':
      return "aeiou";
    case 'c':
      return "bcdfghjklmnpqrstvwxyz";
    case 'a':
      return "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    case 'n':
      return "0123456789";
    case 'o':
      return "@&%?,=[]_:-+*$#!'^~;()/.";
    default:
      return "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()";
  }
}

std::string BigEndian(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

absl::Status DerivePassword(Call& call) {
  constexpr absl::string_view kScope = "com.lyndir.masterpassword";
  const std::vector<absl::string_view> shapes = PasswordShapes(call.Text(1));
  if (shapes.empty())
    return call.ReturnText(absl::StrCat("cannot find password template ", call.Text(1)));
  if (!call.budget().Charge(kScryptSteps)) return call.budget().StepsError();
  const absl::string_view password = call.Text(2), user = call.Text(3), site = call.Text(4);
  const std::string salt =
      absl::StrCat(kScope, BigEndian(static_cast<uint32_t>(user.size())), user);
  unsigned char key[64];
  if (EVP_PBE_scrypt(password.data(), password.size(), Bytes(salt), salt.size(), 32768, 8, 2,
                     uint64_t{128} << 20, key, sizeof key) != 1) {
    return absl::InternalError("the scrypt function failed");
  }
  const std::string message = absl::StrCat(kScope, BigEndian(static_cast<uint32_t>(site.size())),
                                           site, BigEndian(static_cast<uint32_t>(call.Int(0))));
  unsigned char seed[EVP_MAX_MD_SIZE];
  unsigned seed_size = 0;
  HMAC(EVP_sha256(), key, sizeof key, Bytes(message), message.size(), seed, &seed_size);
  const absl::string_view shape = shapes[seed[0] % shapes.size()];
  std::string out;
  for (size_t i = 0; i < shape.size(); ++i) {
    const absl::string_view chars = PasswordChars(shape[i]);
    out.push_back(chars[seed[i + 1] % chars.size()]);
  }
  return call.ReturnText(out);
}

// --- AES-256-CBC, the password cut or padded to a key.

constexpr size_t kBlock = 16;

absl::StatusOr<std::string> AesCbc(absl::string_view password, const std::string& iv,
                                   absl::string_view input, int encrypt) {
  std::string key(password.substr(0, 32));
  key.resize(32, '\0');
  std::string output(input.size(), '\0');
  EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
  int size = 0;
  const bool ok =
      EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), nullptr, Bytes(key), Bytes(iv), encrypt) == 1 &&
      EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
      EVP_CipherUpdate(ctx, reinterpret_cast<unsigned char*>(output.data()), &size, Bytes(input),
                       static_cast<int>(input.size())) == 1;
  EVP_CIPHER_CTX_free(ctx);
  if (!ok) return absl::InternalError("the cipher failed");
  return output;
}

absl::Status EncryptAes(Call& call) {
  if (call.Text(1).empty()) return call.ReturnText("");
  std::string content(call.Text(1));
  const size_t padding = kBlock - content.size() % kBlock;
  content.append(padding, static_cast<char>(padding));
  const std::string iv = RandomStream(&call.context()).Bytes(kBlock);
  ASSIGN_OR_RETURN(const std::string encrypted, AesCbc(call.Text(0), iv, content, 1));
  return call.ReturnText(absl::Base64Escape(iv + encrypted));
}

absl::Status DecryptAes(Call& call) {
  const absl::string_view text = call.Text(1);
  if (text.empty()) return call.ReturnText("");
  ASSIGN_OR_RETURN(const std::string bytes, DecodeBase64(text));
  if (bytes.size() < kBlock) {
    const size_t capacity = text.size() / 4 * 3;
    if (capacity < kBlock) {
      return CallError(
          absl::StrCat("runtime error: slice bounds out of range [:16] with capacity ", capacity));
    }
    return CallError(
        absl::StrCat("runtime error: slice bounds out of range [16:", bytes.size(), "]"));
  }
  const absl::string_view encrypted = absl::string_view(bytes).substr(kBlock);
  if (encrypted.size() % kBlock != 0) return CallError("crypto/cipher: input not full blocks");
  if (encrypted.empty()) return CallError("runtime error: index out of range [-1]");
  ASSIGN_OR_RETURN(const std::string plain,
                   AesCbc(call.Text(0), bytes.substr(0, kBlock), encrypted, 0));
  const auto padding = static_cast<int64_t>(static_cast<unsigned char>(plain.back()));
  const int64_t size = static_cast<int64_t>(plain.size()) - padding;
  if (size < 0)
    return CallError(absl::StrCat("runtime error: slice bounds out of range [:", size, "]"));
  return call.ReturnText(plain.substr(0, static_cast<size_t>(size)));
}

// --- Keys.

absl::Status GenPrivateKey(Call& call) {
  const absl::string_view type = call.Text(0);
  const bool rsa = type.empty() || type == "rsa";
  if (!rsa && type != "dsa" && type != "ecdsa" && type != "ed25519") {
    return call.ReturnText(absl::StrCat("Unknown type ", type));
  }
  const uint64_t steps = rsa ? kRsa4096Steps : type == "dsa" ? kRsa2048Steps : kSmallKeySteps;
  if (!call.budget().Charge(steps)) return call.budget().StepsError();
  RandomStream random(&call.context());
  if (type == "dsa") {
    ASSIGN_OR_RETURN(const std::string pem, GenerateDsaPem(&random));
    return call.ReturnText(pem);
  }
  ASSIGN_OR_RETURN(const PrivateKey key, rsa               ? PrivateKey::Rsa(4096, &random)
                                         : type == "ecdsa" ? PrivateKey::EcdsaP256(&random)
                                                           : PrivateKey::Ed25519(&random));
  ASSIGN_OR_RETURN(const std::string pem, key.ToPem());
  return call.ReturnText(pem);
}

// --- Certificates. The functions differ in where the key comes from and who signs.

absl::StatusOr<PrivateKey> NewRsaKey(Call& call, RandomStream* random) {
  if (!call.budget().Charge(kRsa2048Steps)) return call.budget().StepsError();
  return PrivateKey::Rsa(2048, random);
}

absl::StatusOr<PrivateKey> GivenKey(Call& call, size_t i) {
  if (!call.budget().Charge(kSmallKeySteps)) return call.budget().StepsError();
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(call.Text(i));
  if (key.ok()) return key;
  return CallError(absl::StrCat("parsing private key: ", key.status().message()));
}

absl::Status ReadIps(const TValue& list, std::vector<std::string>* ips) {
  for (const TValue& ip : list.items()) {
    if (!ip.is_string())
      return CallError(absl::StrCat("error parsing ip: ", go::Plain(ip), " is not a string"));
    const std::string text(ip.text());
    unsigned char bytes[16];
    if (inet_pton(AF_INET, text.c_str(), bytes) != 1 &&
        inet_pton(AF_INET6, text.c_str(), bytes) != 1) {
      return CallError(absl::StrCat("error parsing ip: ", text));
    }
    ips->push_back(text);
  }
  return absl::OkStatus();
}

absl::Status ReadDnsNames(const TValue& list, std::vector<std::string>* names) {
  for (const TValue& name : list.items()) {
    if (!name.is_string()) {
      return CallError(absl::StrCat("error processing alternate dns name: ", go::Plain(name),
                                    " is not a string"));
    }
    names->emplace_back(name.text());
  }
  return absl::OkStatus();
}

void SetValidity(Call& call, int64_t days, CertificateRequest* request) {
  request->not_before = call.context().now;
  request->not_after = call.context().now + absl::Hours(24) * days;
}

absl::Status ReturnCertificate(Call& call, const CertificateRequest& request, const PrivateKey& key,
                               absl::string_view issuer, const PrivateKey& signer,
                               RandomStream* random) {
  ASSIGN_OR_RETURN(const std::string cert, MakeCertificate(request, key, issuer, signer, random));
  ASSIGN_OR_RETURN(const std::string key_pem, key.ToPem());
  return call.Return(TValue::Boxed(
      GoType::kCertificate, new CertificateBox(TValue::String(cert), TValue::String(key_pem))));
}

enum class KeySource { kNew, kGiven };

// cn, days[, key]
template <KeySource source>
absl::Status GenCa(Call& call) {
  RandomStream random(&call.context());
  ASSIGN_OR_RETURN(const PrivateKey key,
                   source == KeySource::kNew ? NewRsaKey(call, &random) : GivenKey(call, 2));
  CertificateRequest request;
  request.common_name = std::string(call.Text(0));
  request.kind = CertificateRequest::Kind::kAuthority;
  SetValidity(call, call.Int(1), &request);
  return ReturnCertificate(call, request, key, "", key, &random);
}

absl::Status ReadLeaf(Call& call, CertificateRequest* request) {
  request->common_name = std::string(call.Text(0));
  RETURN_IF_ERROR(ReadIps(call[1], &request->ip_addresses));
  RETURN_IF_ERROR(ReadDnsNames(call[2], &request->dns_names));
  SetValidity(call, call.Int(3), request);
  return absl::OkStatus();
}

// cn, ips, dns names, days[, key]
template <KeySource source>
absl::Status GenSelfSignedCert(Call& call) {
  RandomStream random(&call.context());
  ASSIGN_OR_RETURN(const PrivateKey key,
                   source == KeySource::kNew ? NewRsaKey(call, &random) : GivenKey(call, 4));
  CertificateRequest request;
  RETURN_IF_ERROR(ReadLeaf(call, &request));
  return ReturnCertificate(call, request, key, "", key, &random);
}

// cn, ips, dns names, days, ca[, key]
template <KeySource source>
absl::Status GenSignedCert(Call& call) {
  RandomStream random(&call.context());
  ASSIGN_OR_RETURN(const PrivateKey key,
                   source == KeySource::kNew ? NewRsaKey(call, &random) : GivenKey(call, 5));
  const auto* ca = static_cast<const CertificateBox*>(call[4].box());
  RETURN_IF_ERROR(CheckCertificatePem(ca->cert.text()));
  const absl::StatusOr<PrivateKey> signer = PrivateKey::FromPem(ca->key.text());
  if (!signer.ok())
    return CallError(absl::StrCat("error parsing private key: ", signer.status().message()));
  CertificateRequest request;
  RETURN_IF_ERROR(ReadLeaf(call, &request));
  return ReturnCertificate(call, request, key, ca->cert.text(), *signer, &random);
}

absl::Status BuildCustomCert(Call& call) {
  const absl::StatusOr<std::string> cert = DecodeBase64(call.Text(0));
  if (!cert.ok()) return CallError("unable to decode base64 certificate");
  const absl::StatusOr<std::string> key = DecodeBase64(call.Text(1));
  if (!key.ok()) return CallError("unable to decode base64 private key");
  RETURN_IF_ERROR(CheckCertificatePem(*cert));
  const absl::StatusOr<PrivateKey> parsed = PrivateKey::FromPem(*key);
  if (!parsed.ok())
    return CallError(absl::StrCat("error parsing private key: ", parsed.status().message()));
  return call.Return(TValue::Boxed(
      GoType::kCertificate, new CertificateBox(TValue::String(*cert), TValue::String(*key))));
}

constexpr Function kFunctions[] = {
    {"bcrypt", "s", 's', Bcrypt, kRandom},
    {"buildCustomCert", "ss", 'c', BuildCustomCert},
    {"decryptAES", "ss", 's', DecryptAes},
    {"derivePassword", "ussss", 's', DerivePassword},
    {"encryptAES", "ss", 's', EncryptAes, kRandom},
    {"genCA", "si", 'c', GenCa<KeySource::kNew>, kRandom},
    {"genCAWithKey", "sis", 'c', GenCa<KeySource::kGiven>, kRandom},
    {"genPrivateKey", "s", 's', GenPrivateKey, kRandom},
    {"genSelfSignedCert", "slli", 'c', GenSelfSignedCert<KeySource::kNew>, kRandom},
    {"genSelfSignedCertWithKey", "sllis", 'c', GenSelfSignedCert<KeySource::kGiven>, kRandom},
    {"genSignedCert", "sllic", 'c', GenSignedCert<KeySource::kNew>, kRandom},
    {"genSignedCertWithKey", "sllics", 'c', GenSignedCert<KeySource::kGiven>, kRandom},
    {"htpasswd", "ss", 's', Htpasswd, kRandom},
};

}  // namespace

absl::Span<const Function> CryptoFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
