"""Words that cross into companies and people who do not exist. Company and domain names end in reserved territory."""

from typing import Final

COMPANY_FIRST: Final = tuple(
    """Alderbrook Amberly Ashdown Auburn Avonlea Barrowgate Beaumaris Birchwood Blackmere Blueharbor Bramwell
    Brightwater Brookhaven Calder Camberfield Cedarline Chalkstone Cinderhill Clearford Cloverdale Coldwater
    Copperfield Corvane Crestmont Crosswell Dalewood Dartmere Deepwell Dovecote Drumlin Dunmore Eastbrook
    Eldermoor Elmstead Emberton Everdale Fairhaven Fallowfield Farrow Fenwick Ferncliff Fieldstone Flintlock
    Foxglove Frostvale Galloway Glasswing Glenhaven Goldcrest Granmere Graywood Greenmantle Gullane Halcyon
    Hallbeck Harrowgate Hartwell Hawkridge Hazelmoor Heatherton Highmoor Hollowell Ironbridge Ivorydale Juniper
    Kelmscott Kettlewell Kingfisher Kirkdale Lakemont Larchfield Laurelton Lindenau Longmere Lowther Mallard
    Maplecroft Marlowe Meadowgate Merrow Millbrook Mistral Moorgate Netherby Northwick Oakenfold Oldcastle
    Orchard Osprey Otterbourne Palewell Pebblebrook Pinecrest Plumstead Quarrystone Quillon Ravenhurst Redfern
    Ridgeway Rosmere Rowanlea Saltmarsh Sandhaven Seabright Selwyn Shorewood Silverbeck Skylark Southmoor
    Stonecroft Sunderland Swanmore Tamarack Thornbury Tidewater Underhill Valemont Verity Wainscott Westerly
    Whitlock Wildmere Willowby Windermoor Winterbourne Woodhaven Wrenfield Yarrow Yewdale Zephyrine""".split()  # noqa: SIM905 -- a word list reads better than 129 quoted words
)
# What they do, and the industry it puts them in.
COMPANY_SECOND: Final = tuple(
    (word, industry)
    for industry, words in {
        "Manufacturing": "Robotics Castings Instruments Toolworks Plastics Components Bearings Optics Mills",
        "Logistics": "Logistics Freight Haulage Shipping Couriers Warehousing Lines Transit",
        "Financial services": "Capital Leasing Insurance Payments Brokers Mutual Assurance Factoring",
        "Health care": "Health Diagnostics Clinics Dental Pharma Therapeutics Imaging Care",
        "Software": "Software Analytics Systems Data Networks Apps Signals Compute",
        "Retail": "Outfitters Grocers Home Apparel Pantry Books Sports Gardens",
        "Energy": "Energy Solar Wind Grid Power Utilities",
        "Construction": "Builders Timber Concrete Surveyors Civil Roofing",
        "Education": "Academy Learning Press Institute Colleges",
        "Media": "Media Studios Pictures Audio Broadcast",
        "Hospitality": "Hotels Kitchens Travel Resorts Events",
        "Professional services": "Advisory Legal Consulting Architects Staffing Translations",
        "Food and drink": "Foods Bakeries Brewing Dairy Farms Mills-Foods",
        "Public sector": "Housing Waterworks Libraries",
    }.items()
    for word in words.replace("Mills-Foods", "Creamery").split()
)
COMPANY_SUFFIX: Final = ("", " Group", " Europe", " Nordic", " Partners", " International", " Holdings", " West",
                         " East", " North", " South", " Iberia", " Baltic", " Benelux")  # fmt: skip

FIRST_NAMES: Final = tuple(
    """Ada Adrian Agnes Aisha Alba Alejandro Amelie Amir Anders Anika Anton Astrid Beatriz Ben Bianca Bruno Camille
    Carla Cedric Chiara Clara Daniel Daria David Diego Dina Edith Elena Elias Emil Emma Erik Esther Eva Fatima
    Felix Fiona Florian Francesca Freya Gabriel Greta Hana Hannah Hassan Helena Hugo Ida Ines Irene Isak Ivan
    Jana Jasper Joana Johan Jonas Julia Kaito Karim Katja Kemal Klara Lars Laura Lea Leon Lina Lorenzo Lucas
    Lucia Luisa Maja Malik Marco Maria Marta Matteo Maya Mehmet Mila Milan Mina Nadia Nils Nina Noah Nora Olga
    Oliver Omar Oscar Paula Pedro Petra Priya Rafael Rania Robin Rosa Ruben Samira Sanne Sara Sebastian Selma
    Simon Sofia Stefan Tariq Tessa Theo Thomas Tina Tomas Vera Victor Viola Wanda Yara Yusuf Zoe""".split()  # noqa: SIM905 -- as above
)
LAST_NAMES: Final = tuple(
    """Abbasi Ahlgren Albrecht Almeida Andersen Baptiste Barros Becker Bergstrom Bianchi Blanc Boateng Brandt Brennan
    Castell Chandra Conti Costa Dahl Danner Delgado Demir Dubois Eklund Engel Esposito Faber Farkas Ferrari
    Fischer Fontaine Forsberg Gallo Garnier Gomes Gruber Haas Hakimi Halvorsen Hansen Hartmann Herrera Hoffmann
    Horvat Iversen Jansen Jensen Kaplan Karlsen Keller Khan Kowalski Kramer Kuiper Lambert Larsen Laurent
    Lehmann Lindgren Lombardi Lopez Madsen Maier Marchetti Marek Martens Meyer Molina Moreau Moretti Nakamura
    Navarro Nilsen Novak Nowak Okafor Olsen Ortega Osei Pacheco Patel Pavlov Petersen Petit Popov Quist Rahman
    Ramos Rasmussen Reyes Ricci Richter Romero Rossi Roux Sahin Santos Sato Schmitt Schreiber Silva Simic Soares
    Sorensen Stein Strand Svensson Tanaka Thorsen Torres Vasquez Vega Verhoeven Vidal Vogel Wagner Walker Weber
    Winkler Yilmaz Zeller Zimmer""".split()  # noqa: SIM905 -- as above
)
COUNTRIES: Final = (
    "Germany", "Germany", "Germany", "Netherlands", "Netherlands", "Sweden", "France", "France", "Spain", "Italy",
    "Denmark", "Austria", "United Kingdom", "United Kingdom", "Ireland", "Belgium", "Poland", "Switzerland",
)  # fmt: skip

# Our own people: (name, role of the sign-in or "", what they are). The CSMs come first; the first owns a fifth.
STAFF: Final = (
    ("Mara Lindqvist", "csm", "CSM"),
    ("Tobias Renner", "", "CSM"),
    ("Ines Carvalho", "", "CSM"),
    ("Jonas Aldous", "", "CSM"),
    ("Priya Raman", "", "CSM"),
    ("Luc Marchand", "", "CSM"),
    ("Hanna Virtala", "", "CSM"),
    ("Owen Castell", "", "CSM"),
    ("Sofia Brandt", "cs_manager", "CS manager"),
    ("Dario Pellegrini", "", "CS manager"),
    ("Katrin Vogt", "cs_director", "CS director"),
    ("Henrik Sandahl", "executive_sponsor", "Executive sponsor"),
    ("Elif Demirel", "sales_rep", "Sales rep"),
    ("Marcus Oyelaran", "", "Sales rep"),
    ("Nadja Kovac", "", "Sales rep"),
    ("Rui Fonseca", "support_agent", "Support agent"),
    ("Amelie Garnier", "", "Support agent"),
    ("Ruth Abenthal", "revops_admin", "RevOps admin"),
    ("Viktor Strand", "leader", "Leader"),
)
CSM_COUNT: Final = 8
SALES_NAMES: Final = ("Elif Demirel", "Marcus Oyelaran", "Nadja Kovac")
