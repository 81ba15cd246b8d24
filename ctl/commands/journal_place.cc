// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands/journal_place.h"

#include "journal/journal_survey.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace leveret::ctl {
namespace {

namespace fs = std::filesystem;

/// "0003" is the folder of journal 3.
std::optional<std::uint16_t> journal_of(const std::string& name) {
  std::uint16_t journal = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), journal);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return fmt::format("{:04}", journal) == name ? std::optional(journal) : std::nullopt;
}

/// The metadata file of the data directory that `journals`, its folder of that name, is in.
fs::path metadata_near(const fs::path& journals) {
  std::error_code ignored;
  const fs::path file = journals.parent_path() / "metadata.db";
  return journals.filename() == "journal" && fs::is_regular_file(file, ignored) ? file : fs::path();
}

bool is_journal(const std::vector<fs::path>& names) {
  return std::ranges::any_of(names, [](const fs::path& name) {
    return name == "spare" || segment_of_file(name.string());
  });
}

Outcome<std::vector<fs::path>> list(const fs::path& directory) {
  std::error_code failed;
  std::vector<fs::path> names;
  for (fs::directory_iterator at(directory, failed); !failed && at != fs::directory_iterator();
       at.increment(failed)) {
    names.push_back(at->path().filename());
  }
  if (failed) {
    return fail_titled(ExitCode::no_input, directory.string() + ": " + failed.message());
  }
  std::ranges::sort(names);
  return names;
}

JournalPlaces journals_in(const fs::path& directory, const std::vector<fs::path>& names) {
  JournalPlaces places;
  for (const fs::path& name : names) {
    if (const auto journal = journal_of(name.string())) {
      places.journals.push_back(
          {.directory = directory / name, .journal = journal, .only = std::nullopt});
    }
  }
  if (!places.journals.empty()) places.metadata = metadata_near(directory);
  return places;
}

JournalPlaces journal_at(const fs::path& directory) {
  JournalPlaces places;
  const bool is_at_home = directory.parent_path().filename() == "journal";
  places.journals.push_back(
      {.directory = directory,
       .journal = is_at_home ? journal_of(directory.filename().string()) : std::nullopt,
       .only = std::nullopt});
  places.metadata = metadata_near(directory.parent_path());
  return places;
}

}  // namespace

Outcome<JournalPlaces> find_journals(const fs::path& given) {
  std::error_code failed;
  const fs::path path = fs::canonical(given, failed);
  if (failed) return fail_titled(ExitCode::no_input, given.string() + ": " + failed.message());
  if (!fs::is_directory(path, failed)) {
    const auto segment = segment_of_file(path.filename().string());
    if (!segment) {
      return fail_titled(ExitCode::no_input, given.string() + " is neither a segment nor an index");
    }
    JournalPlaces places = journal_at(path.parent_path());
    places.journals[0].only = segment;
    return places;
  }
  const auto names = list(path);
  if (!names) return std::unexpected(names.error());
  if (std::ranges::find(*names, "journal") != names->end()) {
    const auto inside = list(path / "journal");
    if (!inside) return std::unexpected(inside.error());
    return journals_in(path / "journal", *inside);
  }
  if (JournalPlaces places = journals_in(path, *names); !places.journals.empty()) return places;
  if (is_journal(*names) || !metadata_near(path.parent_path()).empty()) return journal_at(path);
  return fail_titled(ExitCode::no_input, given.string() + " holds no journal");
}

}  // namespace leveret::ctl
